package manifest

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// syntaxMends are the messages of the YAML parser that hold nothing of the
// file, each with what usually mends it. Any other message stays unprinted,
// since it may repeat a part of a secret (invariant 11).
var syntaxMends = map[string]string{
	"did not find expected key":                                    "check the indentation of this line",
	"did not find expected '-' indicator":                          "start each element of the list with a dash, at the same indentation",
	"mapping values are not allowed in this context":               "check the indentation, and put a value with a colon and a space in quotes",
	"could not find expected ':'":                                  "write name: value",
	"did not find expected ',' or ']'":                             "close the list with ]",
	"did not find expected ',' or '}'":                             "close the map with }",
	"found unexpected end of stream":                               "close the quote",
	"found character that cannot start any token":                  "indent with spaces, not tabs; put a value that begins with a special character in quotes",
	"found a tab character that violates indentation":              "indent with spaces, not tabs",
	"found a tab character where an indentation space is expected": "indent with spaces, not tabs",
	"block sequence entries are not allowed in this context":       "put the list on lines of its own, below its name",
	"did not find expected node content":                           "write a value here",
	"did not find expected <document start>":                       "separate documents with a line of three dashes, and check the indentation",
	"did not find expected alphabetic or numeric character":        "put a value that starts with * or & in quotes",
	"found unknown escape character":                               "use single quotes, or double the backslash",
	"did not find expected hexdecimal number":                      "use single quotes, or double the backslash",
	"mapping keys are not allowed in this context":                 "put a value that starts with a question mark in quotes",
	"control characters are not allowed":                           "save the file as plain text in UTF-8",
	"invalid leading UTF-8 octet":                                  "save the file as plain text in UTF-8",
	"invalid trailing UTF-8 octet":                                 "save the file as plain text in UTF-8",
	"incomplete UTF-8 octet sequence":                              "save the file as plain text in UTF-8",
}

// syntaxProblem is the parser's complaint for people. The line that the parser
// names is where the enclosing map or list begins, or none; the line here is the
// first one with which the text goes wrong in the same way.
func syntaxProblem(src []byte, err error) Problem {
	msg := syntaxMessage(err)
	lines := bytes.SplitAfter(src, []byte("\n"))
	end := 0
	ends := make([]int, len(lines))
	for i, l := range lines {
		end += len(l)
		ends[i] = end
	}
	n := min(sort.Search(len(lines), func(i int) bool { return syntaxMessage(syntax(src[:ends[i]])) == msg }), len(lines)-1)
	p := Problem{Line: n + 1, What: "is not valid YAML", Mend: "check the indentation and the quotes of this line"}
	if mend, ok := syntaxMends[msg]; ok {
		p.What, p.Mend = "is not valid YAML: "+msg, mend
	}
	if string(bytes.TrimSpace(lines[n])) == "EOF" {
		p.Mend = "remove the shell's lines around the manifest"
	}
	return p
}

// syntax is the error of the first document in src that does not parse.
func syntax(src []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var syntaxPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

func syntaxMessage(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSpace(syntaxPrefix.ReplaceAllString(err.Error(), ""))
}
