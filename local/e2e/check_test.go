package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func (w *world) know(docs []*document) {
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	for _, d := range docs {
		w.known[[2]string{d.name, d.id}], w.known[[2]string{d.name, d.mkey}] = true, true
	}
}

// checkStrays looks for documents that no test has made.
func (w *world) checkStrays(t *testing.T, docs []*document) {
	t.Helper()
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	for _, of := range byCollection(docs) {
		c := of[0].collection
		for side, all := range map[string]map[string]string{"Ditto": w.allDitto(t, c), "MongoDB": w.allMongo(t, c)} {
			for id, doc := range all {
				if !w.known[[2]string{c.name, id}] {
					t.Errorf("%s: a document in %s that nobody made: %s", c.name, side, doc)
				}
			}
		}
	}
}

// checkParked looks for records of documents that no test has made.
func (w *world) checkParked(t *testing.T, n int, docs []*document) {
	t.Helper()
	parked := w.parked(t)
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	for of, reason := range parked {
		ours := slices.ContainsFunc(docs, func(d *document) bool { return d.name == of[0] })
		if ours && !w.known[of] {
			t.Errorf("%s, round %d: %s is recorded as unsynced: %s", of[0], n, of[1], reason)
		}
	}
}

// moment is a point in both sides' histories.
type moment struct {
	mongo int   // the watch's position
	ditto int64 // transaction
}

func (w *world) now(t *testing.T) moment { return moment{w.watch.position(t), w.state(t).Txn} }

// count compares the writes since a moment with those that the steps allow.
func (w *world) count(t *testing.T, docs []*document, since moment, of func(*document) *step) moment {
	t.Helper()
	now := w.now(t)
	inMongo, inDitto := w.watch.between(since.mongo, now.mongo), w.dittoWrites(t, since.ditto, now.ditto)
	for _, d := range docs {
		s := of(d)
		if got := inMongo[[2]string{d.name, d.mkey}]; !s.allows(len(got), s.mongoWrites) {
			d.say(s, "%d writes in MongoDB, want %d: %q", len(got), count(s.mongoWrites), got)
		}
		want := s.dittoWrites
		if s.dittoWritesMaps != 0 && !d.strict() {
			want = s.dittoWritesMaps
		}
		if got := inDitto[[2]string{d.dittoName(), d.id}]; !s.allows(len(got), want) {
			d.say(s, "%d writes in Ditto, want %d: %q", len(got), count(want), got)
		}
	}
	return now
}

func (s *step) allows(got, want int) bool {
	return got == count(want) || s.atMost && got < count(want)
}

func count(n int) int {
	if n == 0 {
		return 1
	}
	return max(n, 0)
}

// awaitAll tells of the documents that are not as wanted, and do not become so.
func (w *world) awaitAll(t *testing.T, n int, docs []*document) (problems map[*document]string) {
	t.Helper()
	until(func() bool {
		problems = w.compare(t, n, docs)
		docs = slices.DeleteFunc(slices.Clone(docs), func(d *document) bool { return problems[d] == "" })
		return len(docs) == 0
	})
	return problems
}

// compare tells what is not as wanted after the n-th step.
func (w *world) compare(t *testing.T, n int, docs []*document) map[*document]string {
	t.Helper()
	problems := map[*document]string{}
	parked := w.parked(t)
	for _, of := range byCollection(docs) {
		inDitto, inMongo := w.allDitto(t, of[0].collection), w.mongoDocs(t, of[0].collection)
		for _, d := range of {
			s := &d.steps[n]
			ditto, mongo := d.wants(t, s)
			switch {
			case s.ditto != "?" && inDitto[d.id] != ditto:
				problems[d] = "in Ditto" + differing(members(t, inDitto[d.id]), members(t, ditto))
			case s.bytes != nil && !slices.Equal(inMongo[d.mkey], s.bytes):
				problems[d] = "in MongoDB, byte by byte" + differing(fieldsOf(t, inMongo[d.mkey]), fieldsOf(t, s.bytes))
			case s.bytes == nil && d.shown(t, inMongo[d.mkey]) != mongo:
				problems[d] = fmt.Sprintf("in MongoDB\n got %s\nwant %s", d.shown(t, inMongo[d.mkey]), mongo)
			case parked[[2]string{d.name, d.id}] != s.parked:
				problems[d] = fmt.Sprintf("parked %q, want %q", parked[[2]string{d.name, d.id}], s.parked)
			case s.check != nil:
				if text := s.check(t); text != "" {
					problems[d] = text
				}
			}
		}
	}
	return problems
}

// differing lists the fields that are not as wanted.
func differing(got, want map[string]string) string {
	names := map[string]bool{}
	for name := range got {
		names[name] = true
	}
	for name := range want {
		names[name] = true
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if got[name] != want[name] {
			fmt.Fprintf(&b, "\n%q\n got %s\nwant %s", name, cmp.Or(got[name], "nothing"), cmp.Or(want[name], "nothing"))
		}
	}
	if b.Len() == 0 {
		return ": the fields stand in another order"
	}
	return b.String()
}

// members are the fields of a document of Ditto; none has none.
func members(t *testing.T, js string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if js != "" {
		for name, v := range parse(t, js) {
			out[name] = text(t, v)
		}
	}
	return out
}

// fieldsOf are the fields of a document of MongoDB, also as bytes: texts leave
// out a NaN's payload.
func fieldsOf(t *testing.T, doc bson.Raw) map[string]string {
	t.Helper()
	out := map[string]string{}
	if doc == nil {
		return out
	}
	all, err := doc.Elements()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		out[e.Key()] = fmt.Sprintf("%s %s %x", e.Value().Type, e.Value(), e.Value().Value)
	}
	return out
}

// shown is a document of MongoDB in the form of wants; none is "".
func (d *document) shown(t *testing.T, doc bson.Raw) string {
	t.Helper()
	if doc == nil {
		return ""
	}
	return canonical(t, d.collection, doc)
}

// wants is how both sides must look after a step.
func (d *document) wants(t *testing.T, s *step) (inDitto, inMongo string) {
	t.Helper()
	body := s.want
	if s.maps != "" && !d.strict() {
		body = s.maps
	}
	pick := func(own string, show func(*testing.T, string, string) string) string {
		switch {
		case own == "?" || own == "-" || own == "" && body == "":
			return ""
		case s.exact:
			return d.exactly(t, own, show(t, d.key, "{}"))
		case own != "":
			return show(t, d.key, own)
		}
		return show(t, d.key, body)
	}
	return pick(s.ditto, d.inDitto), pick(s.mongo, d.inMongo)
}

// exactly is a body as it stands, with the fields of the id.
func (d *document) exactly(t *testing.T, body, ids string) string {
	t.Helper()
	doc := parse(t, body)
	for name, v := range parse(t, ids) {
		doc[name] = v
	}
	return text(t, doc)
}

// parked are the reasons in the records of unsynced documents, by collection
// and Ditto id.
func (w *world) parked(t *testing.T) map[[2]string]string {
	t.Helper()
	list, err := w.records.ListUnsynced(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[[2]string]string{}
	for _, u := range list {
		out[[2]string{u.Collection, string(u.DittoID)}] = u.Reason
	}
	return out
}

// checkConflicts compares the values that lost with those that had to.
func (w *world) checkConflicts(t *testing.T, docs []*document) {
	t.Helper()
	list, err := w.records.ListConflicts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := map[[2]string][]string{}
	for i := range list {
		l := &list[i]
		v := l.JSON
		if l.Value.Type != 0 {
			v = l.Value.String()
		}
		of := [2]string{l.Key.Collection, string(l.Key.ID)}
		lost[of] = append(lost[of], fmt.Sprintf("%s of %s by %s: %s", strings.Join(l.Path.Segments(), "."), l.Side, l.Rule, v))
	}
	for _, d := range docs {
		got := lost[[2]string{d.name, d.id}]
		if d.carried {
			got = slices.DeleteFunc(got, func(text string) bool { return strings.Contains(text, " by carried: ") })
		}
		if len(d.said) == 0 && !matches(got, d.lost) {
			d.said = append(d.said, fmt.Sprintf("conflict records:\n got %q\nwant %q", got, d.lost))
		}
	}
}

func matches(got, want []string) bool {
	for _, w := range want {
		text, optional := strings.CutPrefix(w, "?")
		switch {
		case len(got) > 0 && got[0] == text:
			got = got[1:]
		case !optional:
			return false
		}
	}
	return len(got) == 0
}

// dittoWrites lists the writes in Ditto after a transaction and up to another,
// by collection and id.
func (w *world) dittoWrites(t *testing.T, since, upto int64) map[[2]string][]string {
	t.Helper()
	writes, err := w.ditto.Writes(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	out := map[[2]string][]string{}
	for _, write := range writes {
		if write.Txn > upto {
			continue
		}
		// The server and Go escape other characters.
		of := [2]string{write.Collection, text(t, parse(t, `{"id":`+string(write.ID)+`}`)["id"])}
		out[of] = append(out[of], fmt.Sprintf("%s in %d", write.Method, write.Txn))
	}
	return out
}
