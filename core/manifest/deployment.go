package manifest

import (
	"fmt"
	"math"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	defaultSweep        = "rate(1 day)"
	defaultWorkers      = 10
	defaultDeleteShare  = 0.05
	defaultDeleteCount  = 20
	defaultTombstoneTTL = 30
)

// maxStackName leaves room for the names of functions, at most 64 characters.
const maxStackName = 48

var (
	objectID          = regexp.MustCompile(`^[0-9a-f]{24}$`)
	profileName       = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	endpointService   = regexp.MustCompile(`^com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[0-9a-f]+$`)
	kafkaTopic        = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
	kafkaGroup        = regexp.MustCompile(`^[A-Za-z0-9-/*:_+=.@]{1,200}$`)
	stackName         = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	triggerSource     = regexp.MustCompile(`^aws\.partner/mongodb\.com/stitch\.trigger/[0-9a-f]{24}$`)
	externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
	ratePattern       = regexp.MustCompile(`^rate\(([1-9]\d{0,3}) (minute|hour|day)(s?)\)$`)
	cronPattern       = regexp.MustCompile(`^cron\(([0-9A-Z*?/,#-]+(?: [0-9A-Z*?/,#-]+){5})\)$`)
)

// deploymentDocument is a Deployment, and where it stands that which only the
// bridge can tell to be right.
type deploymentDocument struct {
	*Deployment
	externalAt field
}

// deployment reads a Deployment.
func (r *reader) deployment(o *object) deploymentDocument {
	d := deploymentDocument{Deployment: &Deployment{
		Sweep: defaultSweep, SecretRole: "create", Network: "public", MaxWorkers: defaultWorkers,
		DeleteShare: defaultDeleteShare, DeleteCount: defaultDeleteCount, TombstoneTTL: defaultTombstoneTTL,
	}}
	if meta := r.metadata(o); meta != nil {
		d.Name = r.named(meta)
		if dnsLabel.MatchString(d.Name) && !stackName.MatchString(d.Name) {
			r.bad(meta.get("name"), show(d.Name)+" cannot name a stack", "begin with a letter")
		}
		if dnsLabel.MatchString(d.Name) && len(d.Name) > maxStackName && len(d.Name) <= 63 {
			r.bad(meta.get("name"), fmt.Sprintf("is %d characters long", len(d.Name)), fmt.Sprintf("use at most %d: AWS takes 64 for the functions' names, which begin with it", maxStackName))
		}
	}
	f := o.get("spec")
	if !r.required(f, "put ditto and atlas below it") {
		return d
	}
	spec := r.object(f, "ditto", "atlas", "kafka", "alarms", "sweep", "secretRole", "externalId", "network", "limits")
	if spec == nil {
		return d
	}
	d.SecretRole = r.enum(spec.get("secretRole"), "secretRole", "create", "create", "existing")
	d.externalAt = spec.get("externalId")
	if v, ok := r.text(d.externalAt); ok {
		if d.ExternalID = v; len(v) < 2 || len(v) > 1224 || !externalIDPattern.MatchString(v) {
			r.bad(d.externalAt, "is not an external id", "use 2 to 1224 letters, digits and _ + = , . @ : / -")
		}
	}
	d.Network = r.enum(spec.get("network"), "network", "public", "public", "nat", "privatelink")
	if k := spec.get("kafka"); !k.absent() {
		d.Kafka = r.kafka(k)
	}
	r.dittoServer(d.Deployment, spec.get("ditto"), !spec.get("kafka").absent())
	r.atlas(d.Deployment, spec.get("atlas"))
	if a := r.object(spec.get("alarms"), "email"); a != nil {
		d.AlarmEmail = r.email(a.get("email"))
	}
	if s := r.object(spec.get("sweep"), "schedule"); s != nil {
		d.Sweep = r.schedule(s.get("schedule"))
	}
	r.limits(d.Deployment, spec.get("limits"))
	return d
}

// dittoServer reads how Ditto is reached. Where its changes come by Kafka, there
// need not be a webhook.
func (r *reader) dittoServer(d *Deployment, f field, kafka bool) {
	if !r.required(f, "put endpoint, apiKeySecret and webhookSecret below it") {
		return
	}
	o := r.object(f, "endpoint", "apiKeySecret", "webhookSecret")
	if o == nil {
		return
	}
	if e := o.get("endpoint"); r.required(e, "write the Cloud URL Endpoint that Ditto's portal shows") {
		d.Endpoint = r.endpoint(e, d.Network)
	}
	if s := o.get("apiKeySecret"); r.required(s, "name the AWS secret that holds the Ditto API key") {
		d.APIKey = r.secretID(s)
	}
	if s := o.get("webhookSecret"); !s.absent() || !kafka && r.required(s, "name the AWS secret that holds the webhook's secret") {
		d.Webhook = r.secretID(s)
	}
}

// kafka reads where Ditto's change feed is.
func (r *reader) kafka(f field) *Kafka {
	o := r.object(f, "bootstrapServers", "topic", "consumerGroup", "secret", "caSecret")
	if o == nil {
		return nil
	}
	k := &Kafka{}
	if s := o.get("bootstrapServers"); r.required(s, "list the cluster's servers, each as host:port") {
		elems := r.list(s)
		if s.node.Kind == yaml.SequenceNode && len(s.node.Content) == 0 {
			r.bad(s, "is empty", "list the cluster's servers, each as host:port")
		}
		for _, e := range elems {
			v, ok := r.text(e)
			if !ok {
				continue
			}
			host, port, err := net.SplitHostPort(v)
			if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 || strings.Contains(host, "/") {
				r.bad(e, show(v)+" is not a server", "write host:port, such as kafka.example.com:9094")
			}
			k.Servers = append(k.Servers, v)
		}
	}
	if s := o.get("topic"); r.required(s, "name the topic that Ditto shows for the data bridge") {
		k.Topic = r.matching(s, kafkaTopic, "a topic", "use at most 249 letters, digits, dots, underscores and dashes")
	}
	if s := o.get("consumerGroup"); r.required(s, "name the consumer group that Ditto shows for the data bridge: no other may read it") {
		k.Group = r.matching(s, kafkaGroup, "a consumer group", "copy the one that Ditto shows for the data bridge")
	}
	if s := o.get("secret"); r.required(s, "name the AWS secret that `causeway secrets put --kafka` has made of Ditto's certificate") {
		k.Secret = r.secretID(s)
	}
	if s := o.get("caSecret"); !s.absent() {
		k.CA = r.secretID(s)
	}
	return k
}

// matching is the string at f, which has to be as the pattern says.
func (r *reader) matching(f field, pattern *regexp.Regexp, noun, mend string) string {
	s, ok := r.text(f)
	if ok && !pattern.MatchString(s) {
		r.bad(f, show(s)+" is not "+noun, mend)
	}
	return s
}

// endpoint is the URL of a Ditto Server without a slash at the end. The portal
// shows it without a scheme.
func (r *reader) endpoint(f field, network string) string {
	s, ok := r.text(f)
	if !ok {
		return ""
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		r.bad(f, "is not a URL", "write https://<host> or https://<host>/<app id>")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		r.bad(f, "has more than a host and a path", "write https://<host>/<app id>; the API key belongs in apiKeySecret")
	case u.Scheme != "https" && u.Scheme != "http":
		r.bad(f, show(u.Scheme)+" is not a scheme that Ditto's HTTP API has", "write https://")
	case u.Scheme == "http" && network == "public":
		r.bad(f, "would send the API key unencrypted over the internet", "write https://, or set network to nat or privatelink")
	case regexp.MustCompile(`/api/v\d`).MatchString(u.Path):
		r.bad(f, "names a method of the API", "leave out /api/… and what follows")
	default:
		return strings.TrimRight(u.String(), "/")
	}
	return ""
}

func (r *reader) atlas(d *Deployment, f field) {
	if !r.required(f, "put triggerEventSources below it") {
		return
	}
	o := r.object(f, "triggerEventSources", "existingBus", "createTriggers", "privateEndpointService")
	if o == nil {
		return
	}
	d.ExistingBus = r.bool(o.get("existingBus"), false)
	switch s := o.get("privateEndpointService"); {
	case d.Network == "privatelink":
		if r.required(s, "write the name that Atlas shows for the private endpoint, com.amazonaws.vpce.<region>.vpce-svc-<id>") {
			d.Endpoints = r.matching(s, endpointService, "an endpoint service", "copy the name that Atlas shows for the private endpoint, com.amazonaws.vpce.<region>.vpce-svc-<id>")
		}
	case !s.absent():
		r.bad(s, "is not used with the network "+d.Network, "set network to privatelink, or remove it")
	}
	t := o.get("triggerEventSources")
	if c := o.get("createTriggers"); !c.absent() {
		d.Create = r.atlasTriggers(c)
		if !t.absent() {
			r.bad(t, "names triggers that exist, and createTriggers asks for new ones", "keep one of the two")
		}
		if d.ExistingBus {
			r.bad(o.get("existingBus"), "is of triggers that exist, and createTriggers asks for new ones", "remove it")
		}
		return
	}
	if !r.required(t, "list the partner event source of each Atlas trigger, or let createTriggers make them") {
		return
	}
	elems := r.list(t)
	if len(elems) == 0 && t.node.Kind == yaml.SequenceNode && len(t.node.Content) == 0 {
		r.bad(t, "is empty", "list the partner event source of each Atlas trigger")
	}
	for _, e := range elems {
		s, ok := r.text(e)
		switch {
		case !ok:
		case !triggerSource.MatchString(s):
			r.bad(e, show(s)+" is not the event source of an Atlas trigger", "write aws.partner/mongodb.com/stitch.trigger/<24 hexadecimal digits>")
		case slices.Contains(d.Triggers, s):
			r.bad(e, "is listed twice", "keep one")
		default:
			d.Triggers = append(d.Triggers, s)
		}
	}
}

// atlasTriggers reads where the stack creates the triggers.
func (r *reader) atlasTriggers(f field) *AtlasTriggers {
	o := r.object(f, "projectId", "appId", "serviceId", "profile")
	if o == nil {
		return nil
	}
	id := func(name, mend string) string {
		s := o.get(name)
		if !r.required(s, mend) {
			return ""
		}
		return r.matching(s, objectID, "an id of Atlas", "write its 24 hexadecimal digits")
	}
	t := &AtlasTriggers{
		ProjectID: id("projectId", "write the id of the Atlas project"),
		AppID:     id("appId", "write the id of the Atlas App Services app, which the address of Atlas' page on triggers has"),
		ServiceID: id("serviceId", "write the id of the app's linked data source"),
		Profile:   "default",
	}
	if p := o.get("profile"); !p.absent() {
		t.Profile = r.matching(p, profileName, "a profile", "use letters, digits and _ . -: the secret is cfn/atlas/profile/<profile>")
	}
	return t
}

func (r *reader) email(f field) string {
	s, ok := r.text(f)
	if !ok {
		return ""
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		r.bad(f, show(s)+" is not an e-mail address", "write one such as ops@example.com")
	}
	return s
}

// schedule is an EventBridge schedule expression, or "off".
func (r *reader) schedule(f field) string {
	if !f.absent() && f.node.Kind == yaml.ScalarNode && f.node.ShortTag() == "!!bool" && f.node.Value == "false" {
		r.bad(f, "must be a string, not a boolean", "write off")
		return defaultSweep
	}
	s, ok := r.text(f)
	if !ok {
		return defaultSweep
	}
	if m := ratePattern.FindStringSubmatch(s); m != nil {
		if (m[1] == "1") != (m[3] == "") {
			r.bad(f, show(s)+" is not a schedule that AWS takes", "write 1 minute, hour or day, and the plural for more")
		}
		return s
	}
	if m := cronPattern.FindStringSubmatch(s); m != nil {
		if parts := strings.Fields(m[1]); (parts[2] == "?") == (parts[4] == "?") {
			r.bad(f, show(s)+" is not a schedule that AWS takes", "write ? for exactly one of day-of-month and day-of-week")
		}
		return s
	}
	if s != "off" {
		r.bad(f, show(s)+" is not a schedule", "use rate(1 day), cron(0 3 * * ? *) or off")
	}
	return s
}

func (r *reader) limits(d *Deployment, f field) {
	o := r.object(f, "maxWorkers", "massDelete", "tombstoneDays")
	if o == nil {
		return
	}
	d.MaxWorkers = r.integer(o.get("maxWorkers"), d.MaxWorkers, 2, 1000)
	d.TombstoneTTL = r.integer(o.get("tombstoneDays"), d.TombstoneTTL, 1, 3650)
	g := r.object(o.get("massDelete"), "share", "documents")
	if g == nil {
		return
	}
	d.DeleteShare = r.share(g.get("share"), d.DeleteShare)
	d.DeleteCount = r.integer(g.get("documents"), d.DeleteCount, 0, math.MaxInt32)
}

// share is a part of a whole, from 0 to 1.
func (r *reader) share(f field, def float64) float64 {
	if f.absent() {
		return def
	}
	var v float64
	tag := f.node.ShortTag()
	if f.node.Kind != yaml.ScalarNode || tag != "!!float" && tag != "!!int" || f.node.Decode(&v) != nil {
		r.bad(f, "must be a number, not "+kindOf(f.node), "write a share from 0 to 1, such as 0.05 for 5 %")
		return def
	}
	if !(v >= 0 && v <= 1) { // NaN too
		r.bad(f, fmt.Sprintf("%g is not a share", v), "write one from 0 to 1, such as 0.05 for 5 %")
		return def
	}
	return v
}
