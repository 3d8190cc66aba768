package manifest_test

import (
	"fmt"

	"github.com/causeway-sync/causeway/core/manifest"
)

func ExampleParse() {
	const src = `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  name: example
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        awsSecretsManager: {secretId: example/mongo}
      database: test-db
      collections:
        tasks:
          fields: [_id]
          mode: bson
        orders:
          fields: [orderId, storeId]
          mode: ejson
`
	_, err := manifest.Parse([]byte(src), "causeway.yaml")
	fmt.Println(err)
	// Output:
	// causeway.yaml:14: spec.bridge.mongoConnector.collections.tasks.mode: "bson" is not a mode; use json or ejson
	// causeway.yaml:17: spec.bridge.mongoConnector.collections.orders.dqlStrictMode: is true by default; When using EJSON mode, set dqlStrictMode: false
}

func ExampleManifest_Public() {
	const src = `{"apiVersion": "ditto.live/v1alpha1", "kind": "BigPeerDataBridge", "metadata": {"name": "example"},
"spec": {"bridge": {"mongoConnector": {
  "connectionSecret": {"awsSecretsManager": {"secretId": "example/mongo"}},
  "database": "test-db",
  "collections": {"tasks": {"fields": ["_id"]}}}}}}`
	m, err := manifest.Parse([]byte(src), "causeway.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", m.Public())
	// Output:
	// apiVersion: ditto.live/v1alpha1
	// kind: BigPeerDataBridge
	// metadata:
	//   name: example
	//   namespace: default
	// spec:
	//   bridge:
	//     mongoConnector:
	//       collections:
	//         tasks:
	//           conflicts:
	//             default: mongo
	//           deletes:
	//             ditto: delete
	//             mongodb: delete
	//           direction: both
	//           dittoCollection: tasks
	//           dqlStrictMode: true
	//           fields:
	//             - _id
	//           initialSync: false
	//           mode: json
	//       connectionSecret:
	//         awsSecretsManager:
	//           secretId: example/mongo
	//       database: test-db
}
