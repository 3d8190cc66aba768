package stack_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// statement is one of a policy.
type statement struct {
	sid        string
	actions    []string
	resources  []string
	conditions string
	principal  string
}

func list(v any) (out []string) {
	switch v := v.(type) {
	case nil:
	case []any:
		for _, x := range v {
			out = append(out, short(x))
		}
	default:
		out = append(out, short(v))
	}
	return out
}

// short is an ARN of a template as a person reads it: references in braces.
func short(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		if s, ok := v.(string); ok {
			return s
		}
		return text(v)
	}
	switch {
	case m["Ref"] != nil:
		return "{" + m["Ref"].(string) + "}"
	case m["Fn::GetAtt"] != nil:
		a := m["Fn::GetAtt"].([]any)
		return fmt.Sprintf("{%s.%s}", a[0], a[1])
	case m["Fn::Join"] != nil:
		var b strings.Builder
		for _, x := range m["Fn::Join"].([]any)[1].([]any) {
			b.WriteString(short(x))
		}
		return strings.NewReplacer("{AWS::Partition}", "aws", "{AWS::Region}", "R", "{AWS::AccountId}", "A").Replace(b.String())
	}
	return text(v)
}

func statements(doc any) (out []statement) {
	d, _ := doc.(map[string]any)
	ss, _ := d["Statement"].([]any)
	for _, x := range ss {
		s := x.(map[string]any)
		st := statement{actions: list(s["Action"]), resources: list(s["Resource"])}
		st.sid, _ = s["Sid"].(string)
		if s["Effect"] != "Allow" {
			st.sid = "deny"
		}
		if s["Condition"] != nil {
			st.conditions = text(s["Condition"])
		}
		if p, ok := s["Principal"].(map[string]any); ok {
			st.principal = text(p)
		}
		out = append(out, st)
	}
	return out
}

// policies are all statements of a role, those of its own policies and those of
// policies attached to it.
func (tpl *Template) policies(role string) (out []statement) {
	for _, p := range listOf(tpl.Resources[role].Properties["Policies"]) {
		out = append(out, statements(p.(map[string]any)["PolicyDocument"])...)
	}
	for _, r := range tpl.Resources {
		if r.Type == "AWS::IAM::Policy" && strings.Contains(text(r.Properties["Roles"]), `"`+role+`"`) {
			out = append(out, statements(r.Properties["PolicyDocument"])...)
		}
	}
	return out
}

func listOf(v any) []any { l, _ := v.([]any); return l }

// Each role may do just this. The receiver, which faces the internet, reaches no
// database: it knows the webhook's secret and may put keys into one queue.
func TestRoles(t *testing.T) {
	tpl := template(t, "option1")
	const key = "Key: kms:Decrypt kms:GenerateDataKey on {Key.Arn}"
	logs := func(f string) string { return "Logs: logs:CreateLogStream logs:PutLogEvents on {" + f + "Logs.Arn}" }
	const (
		start = "Runs: states:StartExecution on {Runs}"
		api   = "Secrets: secretsmanager:GetSecretValue on arn:aws:secretsmanager:R:A:secret:causeway/example/ditto-api-key-??????"
		hook  = "secretsmanager:GetSecretValue on arn:aws:secretsmanager:R:A:secret:causeway/example/ditto-webhook-??????"
		mongo = "Database: secretsmanager:GetSecretValue on arn:aws:secretsmanager:R:A:secret:ditto/example-mongo-connector-??????"
	)
	queue := func(q string) string {
		return "Queue: sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes sqs:SendMessage on {" + q + "Queue.Arn}"
	}
	want := map[string][]string{
		"MongoToDittoRole":  {start, api, mongo, queue("MongoToDitto"), key, logs("MongoToDitto")},
		"DittoToMongoRole":  {start, api, mongo, queue("DittoToMongo"), key, logs("DittoToMongo")},
		"ReceiverRole":      {"Queue: sqs:SendMessage on {DittoToMongoQueue.Arn}", "Secrets: " + hook, key, logs("Receiver")},
		"InitialSyncRole":   {start, api, mongo, "Webhook: " + hook, key, logs("InitialSync")},
		"SweepScheduleRole": {"Start: states:StartExecution on {Runs}"},
		// The last two: a distributed map starts and watches its own children.
		"RunsRole": {
			"Steps: lambda:InvokeFunction on arn:aws:lambda:R:A:function:example-initial-sync",
			"Results: s3:PutObject s3:GetObject s3:ListMultipartUploadParts s3:AbortMultipartUpload on {Results.Arn}/runs/*",
			key,
			"Logs: logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries" +
				" logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups on *",
			"Traces: xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets on *",
			"Start: states:StartExecution on {Runs}",
			"Children: states:DescribeExecution states:StopExecution states:RedriveExecution on arn:aws:states:R:A:execution:{Runs.Name}/Ranges:*",
		},
	}
	got := map[string][]string{}
	for _, r := range tpl.of(t, "AWS::IAM::Role") {
		got[r.id] = nil
		for _, s := range tpl.policies(r.id) {
			got[r.id] = append(got[r.id], s.sid+": "+strings.Join(s.actions, " ")+" on "+strings.Join(s.resources, " "))
		}
		if p := r.get("ManagedPolicyArns"); p != "" {
			t.Errorf("%s has managed policies: %s", r.id, p)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if got := tpl.one(t, "InitialSync").get("FunctionName"); got != `"example-initial-sync"` {
		t.Errorf("the state machine invokes example-initial-sync, the function is %s", got)
	}
}

// No action is a wildcard, and a resource that is one is explained.
func TestWildcards(t *testing.T) {
	for name := range manifests {
		tpl := template(t, name)
		for id, r := range tpl.Resources {
			var docs []any
			switch r.Type {
			case "AWS::IAM::Role":
				for _, p := range listOf(r.Properties["Policies"]) {
					docs = append(docs, p.(map[string]any)["PolicyDocument"])
				}
			case "AWS::IAM::Policy":
				docs = append(docs, r.Properties["PolicyDocument"])
			}
			for _, doc := range docs {
				for _, s := range statements(doc) {
					for _, a := range s.actions {
						if strings.Contains(a, "*") {
							t.Errorf("%s: %s: %s may do %s", name, id, s.sid, a)
						}
					}
					wild := slices.ContainsFunc(s.resources, func(x string) bool { return strings.Contains(x, "*") })
					if wild && !slices.ContainsFunc(explained(r), func(e explanation) bool { return e.rule == "AwsSolutions-IAM5" }) {
						t.Errorf("%s: %s: %s is on %s, and nothing explains it", name, id, s.sid, s.resources)
					}
				}
			}
			// Resource policies: a principal of everybody may only be denied.
			for _, p := range []string{"PolicyDocument", "KeyPolicy"} {
				if r.Type == "AWS::IAM::Policy" {
					continue
				}
				doc, _ := r.Properties[p].(map[string]any)
				for _, x := range listOf(doc["Statement"]) {
					s := x.(map[string]any)
					if s["Effect"] == "Allow" && strings.Contains(text(s["Principal"]), `"*"`) {
						t.Errorf("%s: %s lets everybody in: %s", name, id, text(s))
					}
				}
			}
		}
	}
}

// Grants that CDK does not add by itself, and whose lack shows at run time only.
func TestGrantsOfServices(t *testing.T) {
	for name := range manifests {
		tpl := template(t, name)
		const own = `{"StringEquals":{"aws:SourceAccount":{"Ref":"AWS::AccountId"}}}`
		want := map[string]string{
			"EventBridge": `{"Service":"events.amazonaws.com"} ` + own, "Alarms": `{"Service":"cloudwatch.amazonaws.com"} ` + own,
			"LogDelivery": `{"Service":"delivery.logs.amazonaws.com"} ` +
				`{"StringEquals":{"kms:EncryptionContext:SourceArn":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":logs:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":*"]]}}}`,
			"Logs": `{"Service":{"Fn::Join":["",["logs.",{"Ref":"AWS::Region"},".amazonaws.com"]]}} ` +
				`{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":logs:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":log-group:` + tpl.manifest.Deployment.Name + `-*"]]}}}`,
		}
		got := map[string]string{}
		for _, s := range statements(tpl.one(t, "Key").Properties["KeyPolicy"]) {
			if s.sid == "" {
				continue // the account's own
			}
			got[s.sid] = s.principal + " " + s.conditions
			if !slices.Contains(s.actions, "kms:Decrypt") || s.sid != "LogDelivery" && !slices.Contains(s.actions, "kms:GenerateDataKey") {
				t.Errorf("%s: key: %s may only do %v", name, s.sid, s.actions)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: key (-want +got):\n%s", name, diff)
		}

		var rules []string
		for _, r := range tpl.of(t, "AWS::Events::Rule") {
			if strings.HasPrefix(r.id, "Rule") {
				rules = append(rules, r.id)
				if got := r.get("Targets.0.Arn"); got != `{"Fn::GetAtt":["MongoToDittoQueue","Arn"]}` {
					t.Errorf("%s: %s goes to %s", name, r.id, got)
				}
				if got := r.get("Targets.0.DeadLetterConfig.Arn"); got != `{"Fn::GetAtt":["RuleDeadLetters","Arn"]}` {
					t.Errorf("%s: dead letters of %s go to %s", name, r.id, got)
				}
			}
		}
		for _, queue := range []string{"MongoToDittoQueue", "RuleDeadLetters"} {
			s := eventBridgeOf(t, tpl, queue)
			if !strings.Contains(s.conditions, `"StringEquals":{"aws:SourceAccount":{"Ref":"AWS::AccountId"}}`) {
				t.Errorf("%s: %s takes messages of any account's rules: %s", name, queue, s.conditions)
			}
			for _, rule := range rules {
				if !strings.Contains(s.conditions, `{"Fn::GetAtt":["`+rule+`","Arn"]}`) {
					t.Errorf("%s: %s does not take messages of %s: %s", name, queue, rule, s.conditions)
				}
			}
		}
		if s := eventBridgeOf(t, tpl, "RuleDeadLetters"); !strings.Contains(s.conditions, ":rule/"+tpl.manifest.Deployment.Name+"-*") {
			t.Errorf("%s: RuleDeadLetters does not take those of the schedules: %s", name, s.conditions)
		}
		topic := false
		for _, r := range tpl.of(t, "AWS::SNS::TopicPolicy") {
			for _, s := range statements(r.Properties["PolicyDocument"]) {
				topic = topic || s.principal == `{"Service":"cloudwatch.amazonaws.com"}` && slices.Equal(s.actions, []string{"sns:Publish"}) &&
					strings.Contains(s.conditions, `"aws:SourceAccount"`)
			}
		}
		if !topic {
			t.Errorf("%s: CloudWatch may not publish to the topic", name)
		}
	}
}

func eventBridgeOf(t *testing.T, tpl *Template, queue string) statement {
	t.Helper()
	for _, r := range tpl.of(t, "AWS::SQS::QueuePolicy") {
		if !strings.Contains(r.get("Queues"), `"`+queue+`"`) {
			continue
		}
		for _, s := range statements(r.Properties["PolicyDocument"]) {
			if s.principal == `{"Service":"events.amazonaws.com"}` {
				return s
			}
		}
	}
	t.Fatalf("EventBridge may not put messages into %s", queue)
	return statement{}
}

// The manifest's roleArn is made in the account that it names, for these three
// functions alone.
func TestSecretRole(t *testing.T) {
	tpl := template(t, "option2")
	role := tpl.one(t, "SecretRole")
	if role.Condition != "SecretRoleIsHere" {
		t.Errorf("condition %q", role.Condition)
	}
	if !regexp.MustCompile(`"SecretRoleIsHere": \{\s*"Fn::Equals": \[\s*\{\s*"Ref": "AWS::AccountId"\s*\},\s*"123456789012"`).MatchString(tpl.text) {
		t.Error("the condition does not compare accounts")
	}
	for path, want := range map[string]string{
		"RoleName": `"mongo-connector-app-id"`, "Path": `"/dittocluster/"`,
		"AssumeRolePolicyDocument.Statement.0.Principal.AWS": `[{"Fn::GetAtt":["MongoToDittoRole","Arn"]},{"Fn::GetAtt":["DittoToMongoRole","Arn"]},{"Fn::GetAtt":["InitialSyncRole","Arn"]}]`,
	} {
		if got := role.get(path); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	if got := tpl.one(t, "FirstRun").get("SecretRole"); !strings.HasPrefix(got, `{"Fn::If":["SecretRoleIsHere",{"Fn::GetAtt":["SecretRole","Arn"]},`) {
		t.Errorf("FirstRun reads the secret before the role is there: %s", got)
	}
	ss := tpl.policies("SecretRole")
	if len(ss) != 1 || short(ss[0].resources[0]) != "arn:aws:secretsmanager:us-east-1:123456789012:secret:dittocluster/app-id/mongo-connector-??????" {
		t.Errorf("the role may %v", ss)
	}
	for _, f := range []string{"MongoToDittoRole", "DittoToMongoRole", "InitialSyncRole"} {
		if !slices.ContainsFunc(tpl.policies(f), func(s statement) bool {
			return slices.Equal(s.actions, []string{"sts:AssumeRole"}) &&
				slices.Equal(s.resources, []string{"arn:aws:iam::123456789012:role/dittocluster/mongo-connector-app-id"})
		}) {
			t.Errorf("%s may not assume the role", f)
		}
	}
	if slices.ContainsFunc(tpl.policies("ReceiverRole"), func(s statement) bool { return slices.Contains(s.actions, "sts:AssumeRole") }) {
		t.Error("the receiver may assume the role")
	}
	if template(t, "everything").Resources["SecretRole"] != nil {
		t.Error("a role that exists is made")
	}
}

// Design, section 9: function < claim < visibility.
func TestTimes(t *testing.T) {
	src, err := os.ReadFile("../../core/bridge/bridge.go")
	if err != nil {
		t.Fatal(err)
	}
	seconds := func(name string) int {
		m := regexp.MustCompile(`\b` + name + `\s+= (\d+) \* time.Second`).FindSubmatch(src)
		if m == nil {
			t.Fatalf("core/bridge has no %s", name)
		}
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	tpl := template(t, "option1")
	number := func(id, property string) int {
		n, err := strconv.Atoi(tpl.one(t, id).get(property))
		if err != nil {
			t.Fatalf("%s.%s: %v", id, property, err)
		}
		return n
	}
	for _, id := range []string{"MongoToDitto", "DittoToMongo"} {
		timeout, visibility := number(id, "Timeout"), number(id+"Queue", "VisibilityTimeout")
		if batch, claim := seconds("batchTime"), seconds("claimTime"); batch >= timeout || timeout >= claim || claim >= visibility || visibility < 6*timeout {
			t.Errorf("%s: batch %d < function %d < claim %d < visibility %d, and six times the function's", id, batch, timeout, claim, visibility)
		}
	}
	if n := number("Receiver", "Timeout"); n >= 30 {
		t.Errorf("the receiver has %d s, the API waits 30", n)
	}
	if n := number("InitialSync", "Timeout"); n != 900 {
		t.Errorf("initial-sync has %d s", n)
	}
}
