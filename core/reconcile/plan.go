package reconcile

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// Input is everything a decision depends on.
type Input struct {
	Rules *manifest.Collection
	Entry ledger.Entry
	// Carried are the announcements of the claim that is taken over, or of the
	// round before. A value that was announced is Causeway's own.
	Carried []ledger.Announcement

	Mongo     bson.Raw     // nil: absent
	Ditto     []byte       // the document's JSON, nil: absent
	Registers []value.Path // counter paths at which Ditto shows a register

	// Removed says that an event of Ditto announced the removal, or that a
	// sweep's guard let it pass, and that the read reflects it. Without it, a
	// document that Ditto does not show is not taken for deleted.
	Removed bool
	// DittoEvent says that an event of Ditto asked for this decision: it may
	// only be acknowledged once the entry's transaction is at least Txn.
	DittoEvent bool
	Txn        int64 // highest Ditto transaction of the events
	// Shown is the transaction of the answer that showed the Ditto document: a
	// removal before it is over.
	Shown int64

	NewID bson.RawValue // MongoDB `_id` for a document born in Ditto
	ID    []byte        // the Ditto id, JSON
	Fill  []docid.Field // mapped fields, for a Ditto document that lacks them
}

// DittoWrite is what Ditto is to be told: at most one of the three.
type DittoWrite struct {
	Insert []byte // whole document
	Delete bool
	Ops    []ditto.Op
}

// IsZero reports whether there is nothing to write.
func (w DittoWrite) IsZero() bool { return w.Insert == nil && !w.Delete && len(w.Ops) == 0 }

// MongoWrite is what MongoDB is to be told: at most one of the three.
type MongoWrite struct {
	Insert bson.Raw // whole document
	Delete bool
	Ops    []mongodb.Op
}

// IsZero reports whether there is nothing to write.
func (w MongoWrite) IsZero() bool { return w.Insert == nil && !w.Delete && len(w.Ops) == 0 }

// Rule says why a value lost.
type Rule string

const (
	RuleMongo   Rule = "mongo"    // both changed: MongoDB wins
	RuleDitto   Rule = "ditto"    // both changed: Ditto wins
	RuleReset   Rule = "reset"    // a counter was reset in MongoDB
	RuleDelete  Rule = "delete"   // a delete discarded it
	RuleHusk    Rule = "husk"     // a delete that an edit on another device undid
	RuleOneWay  Rule = "one-way"  // changed on the target side of a one-way collection
	RuleCarried Rule = "carried"  // overwritten while an interrupted write was finished
	RuleBase    Rule = "baseline" // overwritten before both sides had ever agreed on it
	RuleCovered Rule = "covered"  // written just where, and when, something that hid was removed
)

// Explain says why a value lost, and what a person can do about it.
func (r Rule) Explain() (why, mend string) {
	again := "if it is wanted, write it again"
	switch r {
	case RuleMongo:
		return "both sides changed it, and MongoDB's value wins", again + "; `conflicts: ditto` lets Ditto win"
	case RuleDitto:
		return "both sides changed it, and Ditto's value wins", again + "; `conflicts: mongo` lets MongoDB win"
	case RuleReset:
		return "the counter was reset in MongoDB", "if the increments are wanted, add them again"
	case RuleDelete:
		return "a delete discarded it", "if it is wanted, insert it again"
	case RuleHusk:
		return "a delete on a device, which an edit on another undid", "if it was meant, delete the document again"
	case RuleOneWay:
		return "it was changed on the target side of a one-way collection", "change it on the other side, or set direction: both"
	case RuleCarried:
		return "it was overwritten while an interrupted write was carried on; often Causeway's own value", again
	case RuleBase:
		return "it was overwritten before both sides had ever agreed on it; often a value from before Causeway looked", again
	case RuleCovered:
		return "it was written just where, and when, Causeway removed a value of another type that hid there", again
	}
	return "", ""
}

// Loser is a value that a plan overwrites or discards. Invariant 1: it is
// recorded before it is written over.
type Loser struct {
	Path  value.Path // the root path for a whole document
	Side  value.Side // where it stood
	Mongo bson.RawValue
	Ditto []byte
	Rule  Rule
}

// Problem says why a pair cannot be synced until something changes.
type Problem struct {
	Code, Message, Mend string
}

// Plan is what to do: once it is carried out the sides agree, and the next one is
// empty (invariant 3). The zero writes mean that both sides stand.
type Plan struct {
	Row     string // the row of the table that decided, for logs
	ToDitto DittoWrite
	ToMongo MongoWrite
	Losers  []Loser

	// Claimed is the entry to store with the claim, Next the one to store when
	// every write won; neither has Rev or Claim set for the write.
	Claimed, Next ledger.Entry
	Announced     []ledger.Announcement
	// Changed says that Next differs from the entry, though nothing is written.
	Changed bool
	// Wait says that Ditto does not show a document which it may still have:
	// Next only notes the event's transaction, and a claim that was left behind
	// stays as it is.
	Wait    bool
	Problem *Problem
}

// Writes reports whether either side is to be written.
func (p *Plan) Writes() bool { return !p.ToDitto.IsZero() || !p.ToMongo.IsZero() }

// Removes is the side on which the plan deletes the document, or leaves it to
// itself because it was deleted on the other; "" if it does neither. Of the
// plans of a sweep, these need the leave of its guard (invariant 8).
func (p *Plan) Removes() value.Side {
	switch {
	case p.ToDitto.Delete:
		return value.Ditto
	case p.ToMongo.Delete, p.Next.State == ledger.Detached && p.Claimed.State != ledger.Detached:
		return value.MongoDB
	}
	return ""
}
