package mongodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const replicaSet = "causeway"

// codeAlreadyInit is the server's answer to replSetInitiate on a replica set.
const codeAlreadyInit = 23

// initiate makes the mongod a replica set of one node, unless it is one from
// before, and waits until it is primary. The member's address follows the
// port, which may have changed since.
func initiate(ctx context.Context, uri string, port int) error {
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return fmt.Errorf("initiate replica set: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	admin := client.Database("admin")
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	config := bson.D{
		{Key: "_id", Value: replicaSet},
		{Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: host}}}},
	}
	err = admin.RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: config}}).Err()
	if hasCode(err, codeAlreadyInit) {
		err = rehost(ctx, admin, host)
	}
	if err != nil {
		return fmt.Errorf("initiate replica set: %w", err)
	}
	for {
		var hello struct {
			Primary bool `bson:"isWritablePrimary"`
		}
		if err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err == nil && hello.Primary {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the primary: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// rehost gives the only member of an existing replica set its address of now.
func rehost(ctx context.Context, admin *mongo.Database, host string) error {
	var now struct {
		Config bson.M `bson:"config"`
	}
	if err := admin.RunCommand(ctx, bson.D{{Key: "replSetGetConfig", Value: 1}}).Decode(&now); err != nil {
		return err
	}
	version, _ := now.Config["version"].(int32)
	now.Config["version"] = version + 1
	now.Config["members"] = bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: host}}}
	return admin.RunCommand(ctx, bson.D{
		{Key: "replSetReconfig", Value: now.Config}, {Key: "force", Value: true},
	}).Err()
}

func hasCode(err error, code int) bool {
	var se mongo.ServerError
	return errors.As(err, &se) && se.HasErrorCode(code)
}
