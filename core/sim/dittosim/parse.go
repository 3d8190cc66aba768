package dittosim

import (
	"slices"
	"strconv"
	"strings"
)

// parse reads one statement.
func parse(src string) (*statement, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens, st: &statement{}}
	if err := p.statement(); err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, p.unexpected()
	}
	p.st.scan = planScan(p.st.where)
	p.st.constants = p.st.where.fallible(nil)
	for _, c := range p.st.columns {
		p.st.constants = c.expr.fallible(p.st.constants)
	}
	return p.st, nil
}

type parser struct {
	src    string
	tokens []token
	pos    int
	st     *statement
}

func (p *parser) peek() token { return p.tokens[p.pos] }

// is reports whether the next token is that keyword or operator.
func (p *parser) is(word string) bool {
	t := p.peek()
	return t.kind == tokPunct && t.text == word || t.kind == tokName && strings.EqualFold(t.text, word)
}

// take consumes the words if all of them come next.
func (p *parser) take(words ...string) bool {
	start := p.pos
	for _, w := range words {
		if !p.is(w) {
			p.pos = start
			return false
		}
		p.pos++
	}
	return true
}

func (p *parser) need(words ...string) error {
	for _, w := range words {
		if !p.take(w) {
			return parseErrorf(p.peek().start, "Unexpected %s; expected %s", p.describe(), w)
		}
	}
	return nil
}

func (p *parser) describe() string {
	if p.peek().kind == tokEnd {
		return "end of input"
	}
	return "token " + p.src[p.peek().start:p.peek().end]
}

// unexpected names what this engine does not know.
func (p *parser) unexpected() error {
	t := p.peek()
	if t.kind == tokName {
		return unsupportedf(t.start, strings.ToUpper(t.text)+" here")
	}
	return parseErrorf(t.start, "Unexpected %s", p.describe())
}

func (p *parser) statement() error {
	switch {
	case p.take("SELECT"):
		return p.selection()
	case p.take("INSERT", "INTO"):
		return p.insertion()
	case p.take("UPDATE"):
		return p.update()
	case p.take("DELETE", "FROM"):
		p.st.verb = verbDelete
		if err := p.source(); err != nil {
			return err
		}
		return p.condition()
	}
	return p.unexpected()
}

func (p *parser) selection() error {
	// The columns are read once the collection's name is known.
	columns := p.pos
	for depth := 0; depth > 0 || !p.is("FROM"); p.pos++ {
		switch {
		case p.peek().kind == tokEnd:
			return parseErrorf(p.peek().start, "Unexpected end of input; expected FROM")
		case p.is("("):
			depth++
		case p.is(")"):
			depth--
		}
	}
	end := p.pos
	p.pos++
	if err := p.source(); err != nil {
		return err
	}
	rest := p.pos
	p.pos = columns
	if err := p.columns(); err != nil {
		return err
	}
	if p.pos != end {
		return p.unexpected()
	}
	p.pos = rest
	if err := p.condition(); err != nil {
		return err
	}
	if p.take("ORDER", "BY") {
		if err := p.ordering(); err != nil {
			return err
		}
	}
	if p.take("LIMIT") {
		if k := p.peek().kind; k != tokNumber && k != tokParam {
			return p.unexpected()
		}
		e, err := p.primary()
		if err != nil {
			return err
		}
		p.st.limit = e
	}
	return nil
}

func (p *parser) columns() error {
	if p.take("*") {
		p.st.star = true
		return nil
	}
	for n := 1; ; n++ {
		c := column{name: "($" + strconv.Itoa(n) + ")"}
		if !p.take("COUNT", "(", "*", ")") {
			e, err := p.expression()
			if err != nil {
				return err
			}
			c.expr = e
			if e.op == opPath {
				c.name = p.st.qualifier
				if len(e.path) > 0 {
					c.name = e.path[len(e.path)-1]
				}
			}
		}
		if p.take("AS") {
			name, err := p.name()
			if err != nil {
				return err
			}
			c.name = name
		}
		p.st.columns = append(p.st.columns, c)
		if !p.take(",") {
			break
		}
	}
	for i, c := range p.st.columns {
		if c.expr == nil && len(p.st.columns) > 1 {
			return unsupportedf(p.peek().start, "COUNT(*) beside other columns")
		}
		if slices.ContainsFunc(p.st.columns[:i], func(o column) bool { return o.name == c.name }) {
			return unsupportedf(p.peek().start, "two columns of one name")
		}
	}
	return nil
}

func (p *parser) ordering() error {
	at := p.peek().start
	e, err := p.expression()
	if err != nil {
		return err
	}
	if !e.isID() {
		return unsupportedf(at, "ORDER BY anything but _id")
	}
	p.st.order = ascending
	if p.take("DESC") {
		p.st.order = descending
	} else {
		p.take("ASC")
	}
	return nil
}

// source reads [COLLECTION] c [(defs)] [AS alias].
func (p *parser) source() error {
	declared := p.take("COLLECTION")
	name, err := p.name()
	if err != nil {
		return err
	}
	p.st.collection, p.st.qualifier = name, name
	if declared && p.is("(") {
		if p.st.defs, err = p.definitions(); err != nil {
			return err
		}
	}
	if findDef(p.st.defs, "_id") != nil {
		return invalidf("No CRDT type definition can be specified for the document identifier `_id`")
	}
	if p.st.verb != verbInsert && p.take("AS") {
		p.st.qualifier, err = p.name()
	}
	return err
}

func (p *parser) definitions() ([]def, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	var defs []def
	if p.take(")") {
		return nil, nil
	}
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if findDef(defs, name) != nil {
			return nil, parseErrorf(p.peek().start, "Duplicate field definition %q", name)
		}
		d := def{name: name}
		switch {
		case p.take("REGISTER"):
			d.slot = slotRegister
		case p.take("COUNTER"):
			d.slot = slotCounter
		case p.take("PN_COUNTER"):
			d.slot = slotPN
		case p.take("MAP"):
			d.slot = slotMap
			if p.is("(") {
				if d.defs, err = p.definitions(); err != nil {
					return nil, err
				}
			}
		default:
			return nil, p.unexpected()
		}
		defs = append(defs, d)
		if p.take(")") {
			return defs, nil
		}
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) condition() error {
	if !p.take("WHERE") {
		return nil
	}
	e, err := p.expression()
	p.st.where = e
	return err
}

// keywords cannot stand as names without backticks here. The real engine is
// more lenient with some.
var keywords = []string{
	"SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "INTO", "WHERE", "ORDER", "BY", "LIMIT", "SET", "UNSET", "APPLY",
	"AND", "OR", "NOT", "IS", "IN", "NULL", "MISSING", "TRUE", "FALSE", "DOCUMENTS", "VALUES", "ON", "AS", "COLLECTION", "DISTINCT",
}

func (p *parser) name() (string, error) {
	t := p.peek()
	switch t.kind {
	case tokName:
		for _, k := range keywords {
			if strings.EqualFold(k, t.text) {
				return "", unsupportedf(t.start, k+" as a name without backticks")
			}
		}
		fallthrough
	case tokQuotedName:
		p.pos++
		return t.text, nil
	}
	return "", parseErrorf(t.start, "Unexpected %s; expected identifier", p.describe())
}
