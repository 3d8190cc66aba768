package sim

// Hazard is something that makes a history hard.
type Hazard uint8

// The hazards. What could happen in a history depends on its rules.
const (
	EventDuplicated Hazard = iota
	EventLost
	HandlerKilled
	KilledBeforeClaim
	KilledBeforeRecord
	KilledBeforeDitto
	KilledBeforeMongo
	KilledBeforeSettle
	KilledBeforeInsert
	TimeOver
	WriteFailed
	AnswerLost
	NodeBehind
	KeyBlind
	MixedIDs
	StrictCollection
	NamedLikeField
	OneWay
	FieldRule
	Resurrected
	DeleteIgnored
	SoftDelete
	BornTwice
	TwoForOneID
	MappedFieldFilled
	DeviceSpelling
	RegisterAtCounter
	RegisterAtMap
	CounterReset
	ObjectToScalar
	ScalarToObject
	UnitsContain
	Husk
	ValueReturns
	OldMetadata
	TombstoneExpired
	BaselineTaken
	WrittenDuringBaseline
	RunKilled
	RangeInParts
	RangeTwice
	DeletesRefused
	hazards
)

var hazardNames = [hazards]string{
	EventDuplicated:       "event duplicated",
	EventLost:             "event lost, found by a sweep",
	HandlerKilled:         "handler killed",
	KilledBeforeClaim:     "killed before a claim",
	KilledBeforeRecord:    "killed before a record",
	KilledBeforeDitto:     "killed before a write in Ditto",
	KilledBeforeMongo:     "killed before a write in MongoDB",
	KilledBeforeSettle:    "killed before settling",
	KilledBeforeInsert:    "killed between ObjectId and insert",
	TimeOver:              "a batch's time is over",
	WriteFailed:           "write failed",
	AnswerLost:            "write happened, answer lost",
	NodeBehind:            "node behind",
	KeyBlind:              "key sees nothing",
	MixedIDs:              "ids of mixed kinds in one batch",
	StrictCollection:      "strict collection",
	NamedLikeField:        "field named like its collection",
	OneWay:                "one-way collection, target changed",
	FieldRule:             "conflict rule of a field applied",
	Resurrected:           "resurrect",
	DeleteIgnored:         "ignore",
	SoftDelete:            "soft",
	BornTwice:             "born on both sides at once",
	TwoForOneID:           "two MongoDB documents for one id",
	MappedFieldFilled:     "mapped field filled in",
	DeviceSpelling:        "id as a device spells it",
	RegisterAtCounter:     "register at a counter path",
	RegisterAtMap:         "register at a map's path",
	CounterReset:          "counter reset",
	ObjectToScalar:        "object becomes a scalar",
	ScalarToObject:        "scalar becomes an object",
	UnitsContain:          "units that contain each other",
	Husk:                  "husk",
	ValueReturns:          "value returns to an earlier one",
	OldMetadata:           "the old connector's metadata",
	TombstoneExpired:      "tombstones expire",
	BaselineTaken:         "baseline",
	WrittenDuringBaseline: "baseline taken while users write",
	RunKilled:             "worker of a run killed",
	RangeInParts:          "range in parts",
	RangeTwice:            "range twice at once",
	DeletesRefused:        "deletes of a run refused",
}

func (h Hazard) String() string { return hazardNames[h] }

// Hazards notes which hazards could occur in a history, and which did.
type Hazards struct{ Could, Did [hazards]bool }

func (h *Hazards) possible(names ...Hazard) {
	for _, n := range names {
		h.Could[n] = true
	}
}

func (h *Hazards) hit(n Hazard) { h.Could[n], h.Did[n] = true, true }
