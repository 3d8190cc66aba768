package emf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/telemetry/emf"
)

// good is the example of CloudWatch's specification, cut to what counts.
const good = `{"_aws":{"Timestamp":1574109732004,"CloudWatchMetrics":[{"Namespace":"lambda-function-metrics","Dimensions":[["functionVersion"]],` +
	`"Metrics":[{"Name":"time","Unit":"Milliseconds","StorageResolution":60}]}]},"functionVersion":"$LATEST","time":100,"requestId":"989ffbf8"}`

func TestCheck(t *testing.T) {
	edit := func(from, to string) string {
		if strings.Count(good, from) != 1 {
			t.Fatalf("%s occurs %d times", from, strings.Count(good, from))
		}
		return strings.Replace(good, from, to, 1)
	}
	many := func(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	var names, values []string
	for i := range 101 {
		names = append(names, fmt.Sprintf(`{"Name":"m%d"}`, i))
		values = append(values, fmt.Sprintf(`"m%d":1`, i))
	}
	for _, tc := range []struct {
		name, line string
		ok         bool
	}{
		{"OK", good, true},
		{"OKWithoutUnit", edit(`,"Unit":"Milliseconds"`, ""), true},
		{"OKValues", edit(`"time":100`, `"time":[1,2.5]`), true},
		{"OKNoDimension", edit(`[["functionVersion"]]`, `[[]]`), true},
		{"ErrNotJSON", "INFO " + good, false},
		{"ErrTrailing", good + " {}", false},
		{"ErrNoMetadata", `{"time":100}`, false},
		{"ErrNoTimestamp", edit(`"Timestamp":1574109732004,`, ""), false},
		{"ErrTimestampText", edit(`1574109732004`, `"1574109732004"`), false},
		{"ErrTimestampSeconds", edit(`1574109732004`, `1574109732.004`), false},
		{"ErrNoNamespace", edit(`"lambda-function-metrics"`, `""`), false},
		{"ErrNamespaceTooLong", edit(`"lambda-function-metrics"`, `"`+strings.Repeat("n", 1025)+`"`), false},
		{"ErrNoDimensionSet", edit(`[["functionVersion"]]`, `[]`), false},
		{"ErrDimensionsNull", edit(`[["functionVersion"]]`, `null`), false},
		{"ErrTooManyDimensions", edit(`[["functionVersion"]]`, `[[`+many(31, `"functionVersion"`)+`]]`), false},
		{"ErrDimensionMissing", edit(`"functionVersion":"$LATEST",`, ""), false},
		{"ErrDimensionNumber", edit(`"$LATEST"`, `7`), false},
		{"ErrDimensionEmpty", edit(`"$LATEST"`, `""`), false},
		{"ErrUnit", edit(`"Milliseconds"`, `"Millis"`), false},
		{"ErrResolution", edit(`60`, `30`), false},
		{"ErrUnknownMember", edit(`"StorageResolution"`, `"Resolution"`), false},
		{"ErrMetricMissing", edit(`"time":100,`, ""), false},
		{"ErrMetricText", edit(`"time":100`, `"time":"100"`), false},
		{"ErrMetricNull", edit(`"time":100`, `"time":null`), false},
		{"ErrTooManyValues", edit(`"time":100`, `"time":[`+many(101, "1")+`]`), false},
		{"ErrMetricTwice", edit(`{"Name":"time","Unit":"Milliseconds","StorageResolution":60}`, `{"Name":"time"},{"Name":"time"}`), false},
		{"ErrTooManyMetrics", `{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],"Metrics":[` + strings.Join(names, ",") + `]}]},` + strings.Join(values, ",") + `}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := emf.Check([]byte(tc.line)); (err == nil) != tc.ok {
				t.Errorf("error %v", err)
			}
		})
	}
	if !emf.Is([]byte(good)) || emf.Is([]byte(`{"msg":"handled"}`)) || emf.Is([]byte("text")) {
		t.Error("lines of metrics are not told from others")
	}
}
