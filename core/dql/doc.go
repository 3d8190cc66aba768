// Package dql builds the DQL statements that Causeway sends to Ditto. It is
// pure: text and arguments out, no I/O.
//
// Names are quoted, values travel only as arguments. A path in a WHERE clause
// is qualified by its collection, since there a field named like the
// collection would mean the document; `_id` alone stands bare. A path in SET,
// UNSET and APPLY is never qualified, nor is one in a statement with
// declarations, where qualified paths hide members.
//
// # Grammar
//
// These are all the statements, with q for a quoted name, P for a path
// q.q.…, C.P for one qualified by the collection, [AS q] where the collection is
// named like a field, T for a type (MAP, COUNTER,
// PN_COUNTER, REGISTER) and V for :name or, in bulk,
// :name[array_position(:ids, _id)]:
//
//	SELECT * FROM C WHERE IDS
//	SELECT * FROM COLLECTION C (DEFS) WHERE IDS
//	SELECT _id, P AS v0, … FROM COLLECTION C (DEFS) [AS q] WHERE IDS
//	SELECT _id, :ids[array_position(:ids, _id)] AS v0 FROM C WHERE IDS AND CONDS
//	SELECT _id FROM C [WHERE KIND ORDER BY ORDER] LIMIT n
//	SELECT COUNT(*) AS n FROM C
//	INSERT INTO C DOCUMENTS (:docs) ON ID CONFLICT DO NOTHING
//	INSERT INTO C DOCUMENTS (:d0), (:d1), … ON ID CONFLICT DO NOTHING
//	INSERT INTO COLLECTION C (DEFS) DOCUMENTS … ON ID CONFLICT DO NOTHING
//	UPDATE C [APPLY P RESTART WITH V, …] [SET P = V, …] [UNSET P, …] WHERE IDS [AND CONDS]
//	UPDATE COLLECTION C (DEFS) [AS q] UNSET P WHERE IDS AND serialize_json(P) = serialize_json(V)
//	DELETE FROM C WHERE IDS AND serialize_json(C) = serialize_json(V)
//
//	IDS   = _id IN :ids | _id = :id
//	KIND  = _id >= :x | _id > :x
//	      | NOT (type(_id) IN ('string', 'integer', 'boolean'))
//	        [AND serialize_json(_id) > serialize_json(:x)]
//	ORDER = _id | serialize_json(_id)
//	DEFS  = q T | q MAP (DEFS), …
//	CONDS = type(C.P) = 'object' | C.P IS MISSING
//	      | serialize_json(C.P) = serialize_json(V), joined by AND
//
// # Several values at one path
//
// A field of a Ditto document can hold a register, a map and counters at once;
// what was written last shows and the others hide. A nested write into a
// register makes a map that hides the register's other keys; a scalar over a
// map hides the map until the path is a map again; UNSET takes away what
// shows and uncovers what hides. [Draft] turns a change into statements after
// which nothing old shows again, and says what must be read before it can.
package dql
