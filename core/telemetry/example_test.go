package telemetry_test

import (
	"fmt"
	"os"
	"time"

	"github.com/causeway-sync/causeway/core/telemetry"
)

func Example() {
	m := telemetry.NewMetrics(os.Stdout, func() time.Time { return time.UnixMilli(1763882100123) },
		telemetry.Dimension{Name: "Function", Value: "mongo-to-ditto"})
	if err := m.Emit(telemetry.Metric{Name: telemetry.ToDitto, Unit: telemetry.Count, Value: 2}); err != nil {
		fmt.Println(err)
	}
	// Output: {"Function":"mongo-to-ditto","ToDitto":2,"_aws":{"Timestamp":1763882100123,"CloudWatchMetrics":[{"Namespace":"Causeway","Dimensions":[["Function"]],"Metrics":[{"Name":"ToDitto","Unit":"Count"}]}]}}
}
