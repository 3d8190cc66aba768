package preflight

import "slices"

// Finding is one thing that was looked at.
type Finding struct {
	Side   Side   `json:"side"`
	Status Status `json:"status"`
	Code   Code   `json:"code,omitempty"` // what kind of thing, if it is not OK
	What   string `json:"what"`
	Mend   string `json:"mend,omitempty"` // what a person does about it
}

// Side is where a thing was looked at.
type Side string

const (
	Manifest Side = "manifest"
	Secrets  Side = "secrets"
	MongoDB  Side = "mongodb"
	Ditto    Side = "ditto"
	Clock    Side = "clock"
)

// Status is what a finding means for a sync.
type Status string

const (
	OK      Status = "ok"
	Note    Status = "note"    // for information
	Warning Status = "warning" // a sync works, less well than it could
	Problem Status = "problem" // a sync must not start
	Skipped Status = "skipped" // not looked at
)

// Code is the kind of a finding. docs/operating.md has a row for each.
type Code string

const (
	ConnectionSecret Code = "connection-secret"
	APIKeySecret     Code = "api-key-secret"
	WebhookSecret    Code = "webhook-secret"

	ConnectionString  Code = "connection-string"
	MongoUnavailable  Code = "mongodb-unavailable"
	MongoUnauthorized Code = "mongodb-unauthorized"
	ListDatabases     Code = "list-databases"
	ListCollections   Code = "list-collections"
	NoDatabase        Code = "no-database"
	NoCollection      Code = "no-collection"
	NoImages          Code = "no-images"
	Capped            Code = "capped"
	NotACollection    Code = "not-a-collection"
	CannotCreate      Code = "cannot-create"
	MongoForbidden    Code = "mongodb-forbidden"
	ChangeStreams     Code = "change-streams"
	Collation         Code = "collation"
	NoIndex           Code = "no-index"
	FieldMissing      Code = "field-missing"

	DittoEndpoint     Code = "ditto-endpoint"
	DittoUnavailable  Code = "ditto-unavailable"
	DittoUnauthorized Code = "ditto-unauthorized"
	DittoForbidden    Code = "ditto-forbidden"
	DittoRefused      Code = "ditto-refused"
	OtherDitto        Code = "other-ditto"
	DittoWentBack     Code = "ditto-went-back"

	ClockSkew Code = "clock-skew"
	NotLooked Code = "not-looked-at"
)

// HasProblem reports whether a sync must not start.
func HasProblem(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Status == Problem })
}
