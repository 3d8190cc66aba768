package stack_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/infra/stack"
)

// All that is stored is encrypted with the stack's own key.
func TestEncryption(t *testing.T) {
	where := map[string]string{
		"AWS::SQS::Queue": "KmsMasterKeyId", "AWS::Logs::LogGroup": "KmsKeyId", "AWS::SNS::Topic": "KmsMasterKeyId",
		"AWS::Lambda::Function": "KmsKeyArn", "AWS::StepFunctions::StateMachine": "EncryptionConfiguration.KmsKeyId",
		"AWS::S3::Bucket": "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID",
	}
	for name := range manifests {
		tpl := template(t, name)
		for typ, path := range where {
			for _, r := range tpl.of(t, typ) {
				if got := r.get(path); got != `{"Fn::GetAtt":["Key","Arn"]}` && got != `{"Ref":"Key"}` {
					t.Errorf("%s: %s is encrypted with %q", name, r.id, got)
				}
			}
		}
		if got := tpl.one(t, "Key").get("EnableKeyRotation"); got != "true" {
			t.Errorf("%s: the key is not rotated: %s", name, got)
		}
	}
}

// What stays when the stack is deleted: the buses, and what is of use without it.
func TestKept(t *testing.T) {
	for name := range manifests {
		tpl := template(t, name)
		for id, r := range tpl.Resources {
			want := ""
			switch r.Type {
			case "AWS::Events::EventBus", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket":
				want = "Retain"
			}
			if want != "" && (r.DeletionPolicy != want || r.UpdateReplacePolicy != want) {
				t.Errorf("%s: %s: %q, %q", name, id, r.DeletionPolicy, r.UpdateReplacePolicy)
			}
			if want == "" && r.DeletionPolicy == "Retain" {
				t.Errorf("%s: %s stays", name, id)
			}
			if r.Type == "AWS::Logs::LogGroup" && r.get("RetentionInDays") != "365" {
				t.Errorf("%s: %s keeps its lines for %q days", name, id, r.get("RetentionInDays"))
			}
			if r.get("LogGroupName")+r.get("BucketName")+r.get("QueueName") != "" {
				t.Errorf("%s: %s has a name of its own, which a later stack would find taken", name, id)
			}
		}
	}
}

// Each queue has its dead letters, which are kept at least as long.
func TestQueues(t *testing.T) {
	tpl := template(t, "option1")
	for _, id := range []string{"MongoToDitto", "DittoToMongo"} {
		q, letters := tpl.one(t, id+"Queue"), tpl.one(t, id+"DeadLetters")
		if got, want := q.get("RedrivePolicy"), `{"deadLetterTargetArn":{"Fn::GetAtt":["`+id+`DeadLetters","Arn"]},"maxReceiveCount":8}`; got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
		if q.get("MessageRetentionPeriod") != "1209600" || letters.get("MessageRetentionPeriod") != "1209600" {
			t.Errorf("%s: %s, %s", id, q.get("MessageRetentionPeriod"), letters.get("MessageRetentionPeriod"))
		}
		source := tpl.one(t, id+"Source")
		for path, want := range map[string]string{
			"FunctionResponseTypes": `["ReportBatchItemFailures"]`, "ScalingConfig.MaximumConcurrency": "10",
			"EventSourceArn": `{"Fn::GetAtt":["` + id + `Queue","Arn"]}`, "FunctionName": `{"Fn::GetAtt":["` + id + `","Arn"]}`,
			"BatchSize": "100", "MaximumBatchingWindowInSeconds": "1",
		} {
			if got := source.get(path); got != want {
				t.Errorf("%sSource.%s = %s, want %s", id, path, got, want)
			}
		}
		// Nothing is settled before the collections are activated.
		if got := text(source.DependsOn); !strings.Contains(got, `"FirstRun"`) {
			t.Errorf("%sSource depends on %s", id, got)
		}
		// A key that waits is sent again, up to 40 times: no loop.
		if got := tpl.one(t, id).get("RecursiveLoop"); got != `"Allow"` {
			t.Errorf("%s: RecursiveLoop %s", id, got)
		}
	}
	if got := template(t, "everything").one(t, "MongoToDittoSource").get("ScalingConfig.MaximumConcurrency"); got != "50" {
		t.Errorf("limits.maxWorkers: %s", got)
	}
	// When the first run is told of, events are kept, and it can be started.
	first := text(tpl.one(t, "FirstRun").DependsOn)
	for _, id := range []string{"RunsMapPolicy", "Rule614b4cb6b23f417e5e559c3f"} {
		if !strings.Contains(first, id) {
			t.Errorf("FirstRun depends on %s, not on %s", first, id)
		}
	}
}

// The rule lets keys pass and nothing else (invariant 10), in the words that the
// worker reads.
func TestRule(t *testing.T) {
	tpl := template(t, "option1")
	rule := tpl.one(t, "Rule614b4cb6b23f417e5e559c3f")
	const source = "aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f"
	if got := rule.get("EventPattern"); got != `{"source":["`+source+`"]}` {
		t.Errorf("pattern %s", got)
	}
	if got := rule.get("Targets.0.InputTransformer.InputTemplate"); got != text(change.RuleTemplate) {
		t.Errorf("template %s", got)
	}
	if got := rule.get("Targets.0.InputTransformer.InputPathsMap"); got != text(change.RuleInputPaths) {
		t.Errorf("paths %s", got)
	}
	for _, path := range change.RuleInputPaths {
		if strings.Contains(path, "fullDocument") || strings.Contains(path, "updateDescription") || path == "$.detail" {
			t.Errorf("%s has contents of documents", path)
		}
	}
	for _, path := range []string{"Name", "EventSourceName"} {
		if got := tpl.one(t, "Bus614b4cb6b23f417e5e559c3f").get(path); got != text(source) {
			t.Errorf("bus: %s %s", path, got)
		}
	}
	full := template(t, "everything")
	if n := strings.Count(full.text, `"AWS::Events::EventBus"`); n != 0 {
		t.Errorf("%d buses are made where they exist", n)
	}
	for _, id := range []string{"614b4cb6b23f417e5e559c3f", "614b4cb6b23f417e5e559c40"} {
		if got, want := full.one(t, "Rule"+id).get("EventBusName"), text("aws.partner/mongodb.com/stitch.trigger/"+id); got != want {
			t.Errorf("rule: bus %s, want %s", got, want)
		}
	}
}

// Triggers that the stack makes send keys, in canonical form, of each collection
// and of the canary's.
func TestTriggers(t *testing.T) {
	tpl := template(t, "created")
	var collections []string
	for _, r := range tpl.of(t, "MongoDB::Atlas::Trigger") {
		collections = append(collections, r.get("DatabaseTrigger.Collection"))
		for path, want := range map[string]string{
			"ProjectId": `"614b4cb6b23f417e5e559c3a"`, "AppId": `"614b4cb6b23f417e5e559c3b"`, "Profile": `"default"`, "Type": `"DATABASE"`,
			"DatabaseTrigger.ServiceId": `"614b4cb6b23f417e5e559c3c"`, "DatabaseTrigger.Database": `"shop"`,
			"DatabaseTrigger.OperationTypes": `["INSERT","UPDATE","REPLACE","DELETE"]`, "DatabaseTrigger.Unordered": "true",
			"DatabaseTrigger.TolerateResumeErrors": "false", "DatabaseTrigger.SkipCatchupEvents": "false", "DatabaseTrigger.FullDocument": "false",
			"DatabaseTrigger.Project":                  `"{\"_id\":1,\"operationType\":1,\"clusterTime\":1,\"ns\":1,\"documentKey\":1}"`,
			"EventProcessors.AWSEVENTBRIDGE.AWSConfig": `{"AccountId":{"Ref":"AWS::AccountId"},"ExtendedJsonEnabled":true,"Region":{"Ref":"AWS::Region"}}`,
		} {
			if got := r.get(path); got != want {
				t.Errorf("%s.%s = %s, want %s", r.id, path, got, want)
			}
		}
		id := strings.TrimPrefix(r.id, "Trigger")
		want := `{"Fn::Join":["",["aws.partner/mongodb.com/stitch.trigger/",{"Fn::GetAtt":["` + r.id + `","Id"]}]]}`
		if bus := tpl.one(t, "Bus"+id); bus.get("Name") != want || bus.get("EventSourceName") != want {
			t.Errorf("bus of %s: %s", r.id, bus.get("Name"))
		}
		if rule := tpl.one(t, "Rule"+id); rule.get("EventBusName") != want || rule.get("EventPattern.source.0") != want {
			t.Errorf("rule of %s: %s", r.id, rule.get("EventPattern"))
		}
	}
	slices.Sort(collections)
	if diff := cmp.Diff([]string{`"__causeway_canary"`, `"tasks"`}, collections); diff != "" {
		t.Errorf("collections (-want +got):\n%s", diff)
	}
}

func TestKafka(t *testing.T) {
	source := template(t, "everything").one(t, "KafkaSource")
	for path, want := range map[string]string{
		"FunctionName": `{"Fn::GetAtt":["Receiver","Arn"]}`,
		"SelfManagedEventSource.Endpoints.KafkaBootstrapServers": `["kafka-1.example.com:9094","kafka-2.example.com:9094"]`,
		"SelfManagedKafkaEventSourceConfig.ConsumerGroupId":      `"6b1b5999-consumer"`,
		"Topics": `["user-consumable-6b1b5999"]`, "StartingPosition": `"TRIM_HORIZON"`,
	} {
		if got := source.get(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	var access []string
	for _, x := range listOf(source.Properties["SourceAccessConfigurations"]) {
		a := x.(map[string]any)
		access = append(access, a["Type"].(string)+" "+short(a["URI"]))
	}
	want := []string{
		"CLIENT_CERTIFICATE_TLS_AUTH arn:aws:secretsmanager:R:A:secret:causeway/shop/kafka",
		"SERVER_ROOT_CA_CERTIFICATE arn:aws:secretsmanager:R:A:secret:causeway/shop/kafka-ca",
	}
	if diff := cmp.Diff(want, access); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	// Without a webhook's secret there is nothing on the internet.
	if only := template(t, "created"); strings.Contains(only.text, "ApiGateway") {
		t.Error("there is an API without a webhook")
	} else {
		only.one(t, "KafkaSource")
	}
}

func TestWebhook(t *testing.T) {
	tpl := template(t, "option1")
	stage := tpl.one(t, "WebhookStage")
	if got := stage.get("DefaultRouteSettings"); got != `{"DetailedMetricsEnabled":false,"ThrottlingBurstLimit":2000,"ThrottlingRateLimit":1000}` {
		t.Errorf("throttling %s", got)
	}
	format := stage.get("AccessLogSettings.Format")
	for _, secret := range []string{"body", "header", "authorizer"} {
		if strings.Contains(format, secret) {
			t.Errorf("the access log has a %s: %s", secret, format)
		}
	}
	if got := tpl.one(t, "WebhookRoute").get("RouteKey"); got != `"POST /webhook"` {
		t.Errorf("route %s", got)
	}
	if got := short(tpl.one(t, "WebhookPermission").Properties["SourceArn"]); got != "arn:aws:execute-api:R:A:{Webhook}/$default/POST/webhook" {
		t.Errorf("permission for %s", got)
	}
}

func TestNetwork(t *testing.T) {
	for name, inside := range map[string]bool{"option1": false, "off": true, "everything": true} {
		tpl := template(t, name)
		for _, id := range []string{"MongoToDitto", "DittoToMongo", "InitialSync"} {
			if got := tpl.one(t, id).get("VpcConfig") != ""; got != inside {
				t.Errorf("%s: %s is in the network: %v", name, id, got)
			}
		}
		if tpl.one(t, "Receiver").get("VpcConfig") != "" {
			t.Errorf("%s: the receiver is in the network, and needs no database", name)
		}
		if !inside {
			if strings.Contains(tpl.text, "AWS::EC2::") {
				t.Errorf("%s: there is a network", name)
			}
			continue
		}
		if n := len(tpl.of(t, "AWS::EC2::NatGateway")); n != 1 {
			t.Errorf("%s: %d NAT gateways", name, n)
		}
		if got := tpl.of(t, "AWS::EC2::NatGateway")[0].get("AllocationId"); got != `{"Fn::GetAtt":["Address","AllocationId"]}` {
			t.Errorf("%s: address %s", name, got)
		}
	}
	endpoint := template(t, "everything").one(t, "AtlasEndpoint")
	if got := endpoint.get("ServiceName"); got != `"com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"` {
		t.Errorf("endpoint service %s", got)
	}
}

func TestSchedules(t *testing.T) {
	tpl := template(t, "option1")
	sweep, beats := tpl.one(t, "SweepSchedule"), tpl.one(t, "CanarySchedule")
	for _, c := range []struct{ got, want string }{
		{sweep.get("ScheduleExpression"), `"rate(1 day)"`},
		{sweep.get("Targets.0.Arn"), `{"Ref":"Runs"}`},
		{sweep.get("Targets.0.Input"), `"{\"mode\":\"repair\"}"`},
		{beats.get("ScheduleExpression"), `"rate(2 minutes)"`},
		{beats.get("Targets.0.Arn"), `{"Fn::GetAtt":["InitialSync","Arn"]}`},
		{beats.get("Targets.0.Input"), `"{\"step\":\"canary\"}"`},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
	if template(t, "everything").one(t, "SweepSchedule").get("ScheduleExpression") != `"cron(0 3 * * ? *)"` {
		t.Error("sweep.schedule is not taken")
	}
	if template(t, "off").Resources["SweepSchedule"] != nil {
		t.Error("a sweep that is off is scheduled")
	}
}

// Every alarm tells somebody, and names a command that helps.
func TestAlarms(t *testing.T) {
	main, err := os.ReadFile("../../cmd/causeway/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"option1", "created"} {
		tpl := template(t, name)
		deployment := tpl.manifest.Deployment.Name
		for _, r := range tpl.of(t, "AWS::CloudWatch::Alarm") {
			said := r.get("AlarmDescription")
			commands := regexp.MustCompile("`causeway (\\w+)[^`]* --stack ([^`]+)`").FindAllStringSubmatch(said, -1)
			if len(commands) == 0 {
				t.Errorf("%s names no command: %s", r.id, said)
			}
			for _, c := range commands {
				known := regexp.MustCompile(`(?m)^\t` + strings.ToUpper(c[1][:1]) + c[1][1:] + `\s+\w+Cmd`).Match(main)
				if c[2] != deployment || !known {
					t.Errorf("%s: %s", r.id, c[0])
				}
			}
			if r.get("AlarmActions") != `[{"Ref":"Alarms"}]` {
				t.Errorf("%s tells %s", r.id, r.get("AlarmActions"))
			}
		}
		stall := tpl.one(t, "StallAlarm")
		for path, want := range map[string]string{
			"MetricName": text(canary.Metric), "Threshold": "240", "Period": "120", "EvaluationPeriods": "1", "TreatMissingData": `"breaching"`,
			"ComparisonOperator": `"GreaterThanOrEqualToThreshold"`, "Statistic": `"Maximum"`,
			"Dimensions": `[{"Name":"Deployment","Value":` + text(tpl.manifest.Name) + `},{"Name":"Function","Value":"initial-sync"}]`,
		} {
			if got := stall.get(path); got != want {
				t.Errorf("%s: stall: %s = %s, want %s", name, path, got, want)
			}
		}
		if own := tpl.one(t, "InitialSync").get("FunctionName"); own != text(deployment+"-"+canary.Function) {
			t.Errorf("%s: the alarm is on %s, the beats are of %s", name, canary.Function, own)
		}
	}
	if got := template(t, "option1").one(t, "AlarmMail").get("Endpoint"); got != `"ops@example.com"` {
		t.Errorf("mail to %s", got)
	}
	if template(t, "created").Resources["AlarmMail"] != nil {
		t.Error("mail without an address")
	}
}

// No value of a secret is in a template, or in what the functions are shipped
// with (invariant 11).
func TestNoSecret(t *testing.T) {
	for name, secret := range map[string]string{"option1": "username:password"} {
		tpl := template(t, name)
		if !strings.Contains(mustText(t, name), secret) {
			t.Fatalf("%s: the manifest has no secret", name)
		}
		found := 0
		err := filepath.Walk(filepath.Dir(tpl.dir), func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(b), secret) {
				t.Errorf("%s: the connection string is in %s", name, path)
			}
			found++
			return err
		})
		if err != nil || found < 10 {
			t.Fatalf("%d files, %v", found, err)
		}
	}
}

func mustText(t *testing.T, name string) string {
	t.Helper()
	s, err := manifests[name]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the functions read is what was validated.
func TestBundle(t *testing.T) {
	tpl := template(t, "everything")
	for _, r := range tpl.of(t, "AWS::Lambda::Function") {
		dir, _ := r.Metadata["aws:asset:path"].(string)
		m, err := manifest.Load(filepath.Join(tpl.dir, dir, "causeway.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tpl.manifest, m); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.id, diff)
		}
	}
	if _, err := stack.Bundle(t.TempDir(), t.TempDir(), stack.ARM64, tpl.manifest); err == nil || !strings.Contains(err.Error(), "`make build` builds the functions") {
		t.Errorf("without binaries: %v", err)
	}
}

// What changes the manifest runs the first run again; what does not, does not.
func TestManifestHash(t *testing.T) {
	one, two := template(t, "option1").one(t, "FirstRun").get("ManifestHash"), template(t, "off").one(t, "FirstRun").get("ManifestHash")
	if hash, err := strconv.Unquote(one); err != nil || len(hash) != 64 || one == two {
		t.Errorf("hashes %s, %s", one, two)
	}
	if got := text(template(t, "option1").Outputs["ManifestHash"].Value); got != one {
		t.Errorf("output %s, resource %s", got, one)
	}
}

// The page on deploying names every alarm, function and output.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	tpl := template(t, "everything")
	var names []string
	for _, r := range tpl.of(t, "AWS::CloudWatch::Alarm") {
		names = append(names, strings.TrimSuffix(r.id, "Alarm"))
	}
	for _, r := range tpl.of(t, "AWS::Lambda::Function") {
		names = append(names, r.id)
	}
	for _, typ := range []string{"AWS::SQS::Queue", "AWS::KMS::Key", "AWS::StepFunctions::StateMachine", "AWS::S3::Bucket"} {
		for _, r := range tpl.of(t, typ) {
			if !strings.HasSuffix(r.id, "ToDittoDeadLetters") && !strings.HasSuffix(r.id, "ToMongoDeadLetters") { // named with their alarms
				names = append(names, r.id)
			}
		}
	}
	names = append(names, "WebhookUrl", "OutgoingAddress", "AtlasEndpointId", "FirstRunResult", "DashboardUrl", "SweepSchedule", "CanarySchedule")
	for _, name := range names {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/deploy.md does not name %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`-e (events/\S+)`).FindAllStringSubmatch(string(doc), -1) {
		if _, err := os.Stat(filepath.Join("..", "..", m[1])); err != nil {
			t.Error(err)
		}
	}
}
