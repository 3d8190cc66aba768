package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/stack"
)

const stackName = "example"

// cloud stands in for the services of AWS that the local stack has none of:
// CloudFormation, CloudWatch, EventBridge and its Scheduler. It checks the shape
// of every request. SQS, Step Functions, Lambda and Secrets Manager are the
// local stack's.
type cloud struct {
	t *testing.T

	mu        sync.Mutex
	outputs   map[string]string
	status    string
	rules     map[string]string         // name: ENABLED or DISABLED
	schedules map[string]map[string]any // name: as GetSchedule answers
	metrics   map[string]float64        // metric/last dimension: value now
	denied    string                    // operation that is denied
	asked     []string                  // operations, in order
}

// deploy makes b's stack look like one that is deployed, and returns the
// stand-in of AWS and the manifest that it was deployed from.
func (b *bench) deploy(t *testing.T) (*cloud, string) {
	t.Helper()
	q, dead := b.info.Queues[stack.MongoToDitto], b.info.Queues[stack.DittoToMongo]
	_, mappings := b.info.Switches()
	c := &cloud{
		t: t, status: "UPDATE_COMPLETE",
		outputs: map[string]string{
			"StateMachineArn":      b.info.StepFunctions.StateMachine,
			"MongoToDittoQueueUrl": q.URL, "MongoToDittoDeadLettersUrl": q.DeadLettersURL,
			"DittoToMongoQueueUrl": dead.URL, "DittoToMongoDeadLettersUrl": dead.DeadLettersURL,
			"RuleDeadLettersUrl":  b.undelivered(t),
			"EventSourceMappings": strings.Join(mappings, ","),
			"Schedules":           "rule:example-sweep,schedule:group/example-canary",
			"WebhookUrl":          "https://abc.execute-api.us-east-1.amazonaws.com/webhook",
		},
		rules: map[string]string{"example-sweep": "ENABLED"},
		schedules: map[string]map[string]any{"group/example-canary": {
			"Name": "example-canary", "GroupName": "group", "State": "ENABLED", "ScheduleExpression": "rate(2 minutes)",
			"FlexibleTimeWindow": map[string]any{"Mode": "OFF"},
			"Target":             map[string]any{"Arn": "arn:aws:lambda:us-east-1:123456789012:function:x", "RoleArn": "arn:aws:iam::123456789012:role/x", "Input": `{"step":"canary"}`},
		}},
		metrics: map[string]float64{
			"Causeway Lag mongo-to-ditto": 1500, "AWS/SQS ApproximateAgeOfOldestMessage mongo-to-ditto": 75,
		},
	}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL_CLOUDFORMATION": srv.URL, "AWS_ENDPOINT_URL_CLOUDWATCH": srv.URL,
		"AWS_ENDPOINT_URL_EVENTBRIDGE": srv.URL, "AWS_ENDPOINT_URL_SCHEDULER": srv.URL,
		"AWS_ENDPOINT_URL_SQS": b.info.SQS, "AWS_ENDPOINT_URL_SFN": b.info.StepFunctions.Endpoint,
		"AWS_ENDPOINT_URL_LAMBDA": b.info.Lambda, "AWS_ENDPOINT_URL_SECRETS_MANAGER": b.info.SecretsManager, "AWS_ENDPOINT_URL_STS": b.info.SecretsManager,
	} {
		t.Setenv(k, v)
	}
	signIn(t)
	path := filepath.Join(t.TempDir(), "deployed.yaml")
	if err := os.WriteFile(path, []byte(deployedText(b.info.Database, b.info.Ditto.URL)), 0o644); err != nil {
		t.Fatal(err)
	}
	return c, path
}

// signIn sets what the SDK finds, and lets it find nothing else.
func signIn(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": leak.New(),
		"AWS_SESSION_TOKEN": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
}

func deployedText(database, endpoint string) string {
	return manifestText(database) + `---
apiVersion: causeway/v1
kind: Deployment
metadata: {name: ` + stackName + `}
spec:
  ditto:
    endpoint: ` + endpoint + `
    apiKeySecret: causeway/ditto-api-key
    webhookSecret: causeway/ditto-webhook
  atlas:
    triggerEventSources: [aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f]
  network: nat
`
}

// ServeHTTP tells the services apart as their protocols do.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=local/") {
		c.t.Errorf("%s %s: not signed, or unreadable: %v", r.Method, r.URL, err)
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "AWSEvents."):
		c.eventBridge(w, strings.TrimPrefix(target, "AWSEvents."), body)
	case r.URL.Path == "/service/GraniteServiceVersion20100801/operation/GetMetricData":
		c.getMetricData(w, r, body)
	case strings.HasPrefix(r.URL.Path, "/schedules/"):
		c.scheduler(w, r, body)
	default:
		c.describeStacks(w, body)
	}
}

// refuses reports whether an operation is denied, and then has said so.
func (c *cloud) refuses(w http.ResponseWriter, operation string) bool {
	c.asked = append(c.asked, operation)
	if c.denied != operation {
		return false
	}
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"User is not authorized"}`)
	return true
}

func (c *cloud) describeStacks(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "DescribeStacks" {
		c.t.Errorf("CloudFormation got %q, %v", body, err)
	}
	c.asked = append(c.asked, "DescribeStacks")
	w.Header().Set("Content-Type", "text/xml")
	if name := form.Get("StackName"); name != stackName {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, name)
		return
	}
	var members strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c.outputs)) {
		var v bytes.Buffer
		if err := xml.EscapeText(&v, []byte(c.outputs[k])); err != nil {
			c.t.Error(err)
		}
		fmt.Fprintf(&members, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", k, v.String())
	}
	fmt.Fprintf(w, `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
<StackName>%s</StackName><StackStatus>%s</StackStatus><CreationTime>2026-11-01T07:00:00Z</CreationTime><LastUpdatedTime>2026-11-20T07:00:00Z</LastUpdatedTime>
<Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, stackName, c.status, members.String())
}

func (c *cloud) eventBridge(w http.ResponseWriter, operation string, body []byte) {
	var in struct{ Name string }
	if err := json.Unmarshal(body, &in); err != nil || c.rules[in.Name] == "" {
		c.t.Errorf("EventBridge %s got %s, %v", operation, body, err)
	}
	if c.refuses(w, operation) {
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch operation {
	case "DescribeRule":
		fmt.Fprintf(w, `{"Name":%q,"State":%q}`, in.Name, c.rules[in.Name])
		return
	case "DisableRule":
		c.rules[in.Name] = "DISABLED"
	case "EnableRule":
		c.rules[in.Name] = "ENABLED"
	default:
		c.t.Errorf("EventBridge got %s", operation)
	}
	fmt.Fprint(w, "{}")
}

func (c *cloud) scheduler(w http.ResponseWriter, r *http.Request, body []byte) {
	name := strings.TrimPrefix(r.URL.Path, "/schedules/")
	var in map[string]any
	group := r.URL.Query().Get("groupName")
	if r.Method == http.MethodPut {
		if err := json.Unmarshal(body, &in); err != nil {
			c.t.Errorf("Scheduler got %s, %v", body, err)
		}
		group, _ = in["GroupName"].(string)
	}
	was := c.schedules[group+"/"+name]
	if was == nil {
		c.t.Errorf("Scheduler got %s %s of the group %q", r.Method, r.URL, group)
	}
	c.asked = append(c.asked, r.Method+"Schedule")
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPut {
		in["Name"] = name
		delete(in, "ClientToken")
		c.schedules[group+"/"+name] = in
		fmt.Fprint(w, `{"ScheduleArn":"arn:aws:scheduler:us-east-1:123456789012:schedule/x"}`)
		return
	}
	if err := json.NewEncoder(w).Encode(was); err != nil {
		c.t.Error(err)
	}
}

func (c *cloud) getMetricData(w http.ResponseWriter, r *http.Request, body []byte) {
	v, err := cbor.Decode(body)
	in, ok := v.(cbor.Map)
	if err != nil || !ok || r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		c.t.Errorf("CloudWatch got %v, %v", v, err)
		return
	}
	if c.denied == "GetMetricData" {
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(cbor.Encode(cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#AccessDeniedException"), "message": cbor.String("not authorized")}))
		return
	}
	c.asked = append(c.asked, "GetMetricData")
	results := cbor.List{}
	for _, q := range in["MetricDataQueries"].(cbor.List) {
		q := q.(cbor.Map)
		m := q["MetricStat"].(cbor.Map)["Metric"].(cbor.Map)
		key := string(m["Namespace"].(cbor.String)) + " " + string(m["MetricName"].(cbor.String))
		dims := m["Dimensions"].(cbor.List)
		last := dims[len(dims)-1].(cbor.Map)
		key += " " + string(last["Value"].(cbor.String))
		result := cbor.Map{"Id": q["Id"], "Values": cbor.List{}, "Timestamps": cbor.List{}}
		if v, ok := c.metrics[key]; ok {
			result["Values"] = cbor.List{cbor.Float64(v), cbor.Float64(9)}
			now := cbor.Float64(time.Now().Unix())
			result["Timestamps"] = cbor.List{&cbor.Tag{ID: 1, Value: now}, &cbor.Tag{ID: 1, Value: now - 60}}
		}
		results = append(results, result)
	}
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	_, _ = w.Write(cbor.Encode(cbor.Map{"MetricDataResults": results}))
}

func (c *cloud) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cloud) states() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.rules["example-sweep"], " ", c.schedules["group/example-canary"]["State"])
}
