package manifest

import "strings"

// homes says where a field belongs, for one that stands elsewhere: usually the
// indentation is off.
var homes = map[string]string{
	"labels": "metadata", "namespace": "metadata", "annotations": "metadata",
	"bridge": "spec", "description": "spec", "mongoConnector": "spec.bridge",
	"connectionSecret": "spec.bridge.mongoConnector", "database": "spec.bridge.mongoConnector", "collections": "spec.bridge.mongoConnector",
	"kubernetesSecret": "connectionSecret", "awsSecretsManager": "connectionSecret",
	"secretId": "awsSecretsManager", "roleArn": "awsSecretsManager", "region": "awsSecretsManager",
	"connectionString": "stringData of the Secret, or kubernetesSecret",
	"fields":           "collections.<name>", "initialSync": "collections.<name>", "mode": "collections.<name>", "dqlStrictMode": "collections.<name>",
	"dittoTypes": "collections.<name>", "direction": "collections.<name>", "conflicts": "collections.<name>", "deletes": "collections.<name>",
	"dittoCollection": "collections.<name>", "settableCounters": "dittoTypes", "softField": "deletes",
	"endpoint": "spec.ditto of the Deployment", "apiKeySecret": "spec.ditto of the Deployment", "webhookSecret": "spec.ditto of the Deployment",
	"triggerEventSources": "spec.atlas of the Deployment", "existingBus": "spec.atlas of the Deployment",
	"createTriggers": "spec.atlas of the Deployment", "privateEndpointService": "spec.atlas of the Deployment",
	"projectId": "createTriggers", "appId": "createTriggers", "serviceId": "createTriggers",
	"bootstrapServers": "spec.kafka of the Deployment", "topic": "spec.kafka of the Deployment", "consumerGroup": "spec.kafka of the Deployment",
	"email": "spec.alarms of the Deployment", "schedule": "spec.sweep of the Deployment",
	"maxWorkers": "spec.limits of the Deployment", "massDelete": "spec.limits of the Deployment", "tombstoneDays": "spec.limits of the Deployment",
}

// nearest is the word that someone who wrote s most likely meant; empty if none
// is near.
func nearest(s string, words []string) string {
	best, least := "", 1+max(1, len(s)/3)
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return w
		}
		if d := distance(strings.ToLower(s), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of insertions, removals, replacements and swaps of
// neighbours between a and b.
func distance(a, b string) int {
	if len(a) > 64 { // no known name is that long
		return len(a)
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
