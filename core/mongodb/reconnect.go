package mongodb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Reconnecting is a Database that connects at first use, with a connection
// string from a secret. When MongoDB refuses its credentials, it reads the
// secret again and repeats the request once, so that rotating the secret loses
// nothing. When MongoDB cannot be reached, and the secret names another one by
// now, the next request goes there. It is safe for concurrent use.
type Reconnecting struct {
	database string
	secret   Secret
	opts     []Option

	mu     sync.Mutex
	client *Client
	uri    string // the client's
}

// Secret returns the connection string; with refresh, not from a cache.
type Secret func(ctx context.Context, refresh bool) (uri string, err error)

// NewReconnecting returns a Reconnecting for one database.
func NewReconnecting(database string, secret Secret, opts ...Option) *Reconnecting {
	return &Reconnecting{database: database, secret: secret, opts: opts}
}

// Find implements Database.
func (r *Reconnecting) Find(ctx context.Context, collection string, filter, projection bson.D) (docs []bson.Raw, err error) {
	err = r.Do(ctx, func(c *Client) error {
		docs, err = c.Find(ctx, collection, filter, projection)
		return err
	})
	return docs, err
}

// Write implements Database. A request that was refused for its credentials
// has written nothing, so repeating it is safe.
func (r *Reconnecting) Write(ctx context.Context, collection string, models []Model) (result BulkResult, err error) {
	err = r.Do(ctx, func(c *Client) error {
		result, err = c.Write(ctx, collection, models)
		return err
	})
	return result, err
}

// Now implements Database.
func (r *Reconnecting) Now(ctx context.Context) (now time.Time, err error) {
	err = r.Do(ctx, func(c *Client) error {
		now, err = c.Now(ctx)
		return err
	})
	return now, err
}

// CreateIndexes creates the indexes that are not there yet.
func (r *Reconnecting) CreateIndexes(ctx context.Context, collection string, indexes []Index) error {
	return r.Do(ctx, func(c *Client) error { return c.CreateIndexes(ctx, collection, indexes) })
}

// Page is Client.Page.
func (r *Reconnecting) Page(ctx context.Context, collection string, filter bson.D, n int, fields ...string) (docs []bson.Raw, err error) {
	err = r.Do(ctx, func(c *Client) error {
		docs, err = c.Page(ctx, collection, filter, n, fields...)
		return err
	})
	return docs, err
}

// Sample is Client.Sample.
func (r *Reconnecting) Sample(ctx context.Context, collection string, n int, fields ...string) (docs []bson.Raw, err error) {
	err = r.Do(ctx, func(c *Client) error {
		docs, err = c.Sample(ctx, collection, n, fields...)
		return err
	})
	return docs, err
}

// Count is Client.Count.
func (r *Reconnecting) Count(ctx context.Context, collection string) (n int64, err error) {
	err = r.Do(ctx, func(c *Client) error {
		n, err = c.Count(ctx, collection)
		return err
	})
	return n, err
}

// Do runs f with the current client, and once more with a new one if IsAuth
// says so of its error.
func (r *Reconnecting) Do(ctx context.Context, f func(*Client) error) error {
	client, err := r.get(ctx, nil)
	if err != nil {
		return err
	}
	if err = f(client); !IsAuth(err) {
		if IsUnavailable(err) {
			r.leave(ctx, client)
		}
		return err
	}
	if client, err = r.get(ctx, client); err != nil {
		return err
	}
	return f(client)
}

// Close ends the connections; the next use connects again.
func (r *Reconnecting) Close(ctx context.Context) error {
	r.mu.Lock()
	client := r.client
	r.client = nil
	r.mu.Unlock()
	if client == nil {
		return nil
	}
	return client.Close(ctx)
}

// leave gives a client up if the secret names another MongoDB by now.
func (r *Reconnecting) leave(ctx context.Context, client *Client) {
	uri, err := r.secret(context.WithoutCancel(ctx), true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || r.client != client || uri == r.uri {
		return
	}
	r.client = nil
	go func() { _ = client.Close(context.WithoutCancel(ctx)) }()
}

// get returns a client other than refused.
func (r *Reconnecting) get(ctx context.Context, refused *Client) (*Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.client != refused {
		return r.client, nil
	}
	uri, err := r.secret(ctx, refused != nil)
	if err != nil {
		return nil, fmt.Errorf("read MongoDB's connection string: %w", err)
	}
	client, err := Connect(uri, r.database, r.opts...)
	if err != nil {
		return nil, err
	}
	if refused != nil {
		// Its connections are of no use, and others may still be failing on them.
		go func() { _ = refused.Close(context.WithoutCancel(ctx)) }()
	}
	r.client, r.uri = client, uri
	return client, nil
}
