package manifest

import (
	"bytes"

	"go.yaml.in/yaml/v3"

	"github.com/causeway-sync/causeway/core/value"
)

// Public is m as YAML without its connection string: what the functions are
// shipped with (invariant 11). Parsing it gives m again, with no
// ConnectionString.
func (m *Manifest) Public() []byte {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	docs := []node{m.publicBridge()}
	if m.Deployment != nil {
		docs = append(docs, m.Deployment.public())
	}
	for _, d := range docs {
		// maps of strings, numbers and booleans into a buffer: cannot fail
		_ = enc.Encode(d)
	}
	_ = enc.Close()
	return buf.Bytes()
}

// node is a map of YAML; its keys are written in alphabetical order.
type node map[string]any

// set adds a field unless it is empty.
func (n node) set(name, v string) {
	if v != "" {
		n[name] = v
	}
}

func (m *Manifest) publicBridge() node {
	secret := node{}
	if m.Secret.Kubernetes != "" {
		secret["kubernetesSecret"] = node{"name": m.Secret.Kubernetes, "connectionString": m.Secret.Key}
	} else {
		aws := node{"secretId": m.Secret.ID}
		aws.set("roleArn", m.Secret.RoleARN)
		aws.set("region", m.Secret.Region)
		secret["awsSecretsManager"] = aws
	}
	collections := node{}
	for i := range m.Collections {
		collections[m.Collections[i].Name] = m.Collections[i].public()
	}
	return node{
		"apiVersion": bridgeVersion,
		"kind":       bridgeKind,
		"metadata":   node{"name": m.Name, "namespace": m.Namespace},
		"spec": node{"bridge": node{"mongoConnector": node{
			"connectionSecret": secret, "database": m.Database, "collections": collections,
		}}},
	}
}

func (c *Collection) public() node {
	n := node{
		"fields": c.Fields, "initialSync": c.InitialSync, "mode": "json", "dqlStrictMode": c.Strict,
		"direction": string(c.Direction), "dittoCollection": c.DittoName,
	}
	if c.Mode == value.EJSON {
		n["mode"] = "ejson"
	}
	if len(c.Counters) > 0 {
		var paths []string
		for _, p := range c.Counters {
			paths = append(paths, dotted(p))
		}
		n["dittoTypes"] = node{"settableCounters": paths}
	}
	word := map[value.Side]string{value.MongoDB: "mongo", value.Ditto: "ditto"}
	conflicts := node{"default": word[c.Conflicts.Default]}
	if len(c.Conflicts.Fields) > 0 {
		fields := node{}
		for p, s := range c.Conflicts.Fields {
			fields[dotted(p)] = word[s]
		}
		conflicts["fields"] = fields
	}
	n["conflicts"] = conflicts
	deletes := node{"mongodb": "delete", "ditto": string(c.Deletes.Ditto)}
	if c.Deletes.Resurrect {
		deletes["mongodb"] = "resurrect"
	}
	deletes.set("softField", dotted(c.Deletes.SoftField))
	n["deletes"] = deletes
	return n
}

func (d *Deployment) public() node {
	ditto := node{"endpoint": d.Endpoint, "apiKeySecret": d.APIKey}
	ditto.set("webhookSecret", d.Webhook)
	atlas := node{}
	if c := d.Create; c != nil {
		atlas["createTriggers"] = node{"projectId": c.ProjectID, "appId": c.AppID, "serviceId": c.ServiceID, "profile": c.Profile}
	} else {
		atlas["triggerEventSources"], atlas["existingBus"] = d.Triggers, d.ExistingBus
	}
	atlas.set("privateEndpointService", d.Endpoints)
	spec := node{
		"ditto":      ditto,
		"atlas":      atlas,
		"sweep":      node{"schedule": d.Sweep},
		"secretRole": d.SecretRole,
		"network":    d.Network,
		"limits": node{
			"maxWorkers": d.MaxWorkers, "tombstoneDays": d.TombstoneTTL,
			"massDelete": node{"share": d.DeleteShare, "documents": d.DeleteCount},
		},
	}
	spec.set("externalId", d.ExternalID)
	if k := d.Kafka; k != nil {
		n := node{"bootstrapServers": k.Servers, "topic": k.Topic, "consumerGroup": k.Group, "secret": k.Secret}
		n.set("caSecret", k.CA)
		spec["kafka"] = n
	}
	if d.AlarmEmail != "" {
		spec["alarms"] = node{"email": d.AlarmEmail}
	}
	return node{"apiVersion": deploymentVersion, "kind": deploymentKind, "metadata": node{"name": d.Name}, "spec": spec}
}
