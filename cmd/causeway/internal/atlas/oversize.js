// The error handler of Causeway's trigger. To throw suspends the trigger, which
// Atlas tells the project's owner; to return skips the event.
exports = async function (error, changeEvent) {
  // Nothing but an event that EventBridge finds too large can be skipped: whatever
  // else goes wrong is for a person.
  const ns = changeEvent && changeEvent.ns;
  const key = changeEvent && changeEvent.documentKey;
  if (error.code !== "DOCUMENT_TOO_LARGE" || !ns || !ns.coll || !key) {
    throw new Error(error.code + ": " + error.message);
  }
  // The change is not lost in silence: it is listed until it is tried again.
  const records = context.services.get("__SERVICE__").db(ns.db).collection("__ditto_unsynced_documents");
  await records.updateOne(
    { _id: ns.coll + "/mongo:" + EJSON.stringify(key._id) },
    {
      $set: {
        collection: ns.coll,
        mongoId: key._id,
        reason: "event-too-large",
        message: "its change event was too large for EventBridge, so that the trigger has skipped it",
        mend: "run `causeway unsynced retry " + ns.coll + "`; if it happens often, give the trigger the project expression that `causeway trigger show` prints",
        at: new Date(),
      },
    },
    { upsert: true }
  );
};
