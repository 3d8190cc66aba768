package sweep

import (
	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/value"
)

// Found counts pairs by how they were found, and what was done with them.
type Found struct {
	Compared         int64 `bson:"compared" json:"compared"`
	Equal            int64 `bson:"equal" json:"equal"`
	MissingInDitto   int64 `bson:"missingInDitto" json:"missingInDitto"`
	MissingInMongoDB int64 `bson:"missingInMongoDB" json:"missingInMongoDB"`
	Different        int64 `bson:"different" json:"different"`
	Unsynced         int64 `bson:"unsynced" json:"unsynced"`
	LeftAlone        int64 `bson:"leftAlone" json:"leftAlone"` // of a baseline, or detached
	Changing         int64 `bson:"changing" json:"changing"`   // still being written when the look ended
	Conflicts        int64 `bson:"conflicts" json:"conflicts"` // values that lost one
	ToDitto          int64 `bson:"toDitto" json:"toDitto"`     // pairs of which Ditto was written
	ToMongoDB        int64 `bson:"toMongoDB" json:"toMongoDB"`
	// Deletes that were listed, or made, by the side whose document goes.
	DeletesInDitto   int64 `bson:"deletesInDitto" json:"deletesInDitto"`
	DeletesInMongoDB int64 `bson:"deletesInMongoDB" json:"deletesInMongoDB"`
	// Documents that were seen, by side.
	InMongoDB int64 `bson:"inMongoDB" json:"inMongoDB"`
	InDitto   int64 `bson:"inDitto" json:"inDitto"`
}

func (f *Found) deletes() int64 { return f.DeletesInDitto + f.DeletesInMongoDB }

func (f *Found) add(o *Found) {
	for i, n := range o.fields() {
		*f.fields()[i] += *n
	}
}

func (f *Found) fields() []*int64 {
	return []*int64{
		&f.Compared, &f.Equal, &f.MissingInDitto, &f.MissingInMongoDB, &f.Different, &f.Unsynced, &f.LeftAlone, &f.Changing,
		&f.Conflicts, &f.ToDitto, &f.ToMongoDB, &f.DeletesInDitto, &f.DeletesInMongoDB, &f.InMongoDB, &f.InDitto,
	}
}

// Sample is a pair that was not equal.
type Sample struct {
	Collection string   `bson:"collection" json:"collection"`
	DittoID    string   `bson:"dittoId,omitempty" json:"dittoId,omitempty"` // JSON
	MongoID    string   `bson:"mongoId,omitempty" json:"mongoId,omitempty"` // Extended JSON
	State      string   `bson:"state" json:"state"`
	Paths      []string `bson:"paths,omitempty" json:"paths,omitempty"`
	Reason     string   `bson:"reason,omitempty" json:"reason,omitempty"`
	Did        string   `bson:"did,omitempty" json:"did,omitempty"`
}

func (c *copier) count(f *bridge.Finding) {
	n := &c.rec.Found
	if f.State != bridge.Gone {
		n.Compared++
	}
	switch f.State {
	case bridge.Equal:
		n.Equal++
	case bridge.MissingInDitto:
		n.MissingInDitto++
	case bridge.MissingInMongoDB:
		n.MissingInMongoDB++
	case bridge.Different:
		n.Different++
	case bridge.Unsynced:
		n.Unsynced++
	case bridge.LeftAlone:
		n.LeftAlone++
	case bridge.Busy:
		n.Changing++
	}
	if f.ToDitto {
		n.ToDitto++
	}
	if f.ToMongo {
		n.ToMongoDB++
	}
	if f.InMongo {
		n.InMongoDB++
	}
	if f.InDitto {
		n.InDitto++
	}
	switch f.Removes {
	case value.Ditto:
		n.DeletesInDitto++
	case value.MongoDB:
		n.DeletesInMongoDB++
	}
	c.sample(f)
}

func (c *copier) sample(f *bridge.Finding) {
	if !c.explicit && (f.State == bridge.Equal || f.State == bridge.LeftAlone || f.State == bridge.Gone) {
		return
	}
	state := string(f.State)
	same := 0
	for _, s := range c.rec.Samples {
		if s.State == state {
			same++
		}
	}
	if same >= maxSamples {
		return
	}
	s := Sample{Collection: f.Key.Collection, DittoID: string(f.Key.ID), State: state, Reason: f.Reason}
	if f.MongoID.Type != 0 {
		s.MongoID = ledger.IDText(f.MongoID)
	}
	for _, p := range f.Paths[:min(len(f.Paths), maxSamples)] {
		s.Paths = append(s.Paths, p.String())
	}
	switch {
	case f.Removes != "":
		s.Did = "delete in " + string(f.Removes)
	case f.ToDitto && f.ToMongo:
		s.Did = "wrote both"
	case f.ToDitto:
		s.Did = "wrote Ditto"
	case f.ToMongo:
		s.Did = "wrote MongoDB"
	}
	c.rec.Samples = append(c.rec.Samples, s)
}
