// What the library does not do as AWS does, and a changed copy of the
// definition mends. The definition itself stays as it is deployed.

// forever is the longest time-out that a timer of Node.js takes, in seconds:
// the library's default is a minute, that of AWS three years.
const forever = Math.floor((2 ** 31 - 1) / 1000);

// adapt returns a copy in which tasks without a time-out have one that is no
// limit, and what is waited for takes scale times as long.
export function adapt(definition, scale) {
  const copy = structuredClone(definition);
  for (const [, state] of states(copy)) {
    if (state.Type === "Task" && !state.TimeoutSecondsPath) state.TimeoutSeconds = Math.min(state.TimeoutSeconds ?? forever, forever);
    if (state.Type === "Wait" && state.Seconds) state.Seconds *= scale;
    for (const retrier of state.Retry ?? []) {
      retrier.IntervalSeconds = (retrier.IntervalSeconds ?? 1) * scale;
      if (retrier.MaxDelaySeconds) retrier.MaxDelaySeconds *= scale;
    }
  }
  return copy;
}

// taskStates are the names of all task states, those inside of maps too. Names
// are unique in a state machine.
export const taskStates = (definition) =>
  [...states(definition)].filter(([, state]) => state.Type === "Task").map(([name]) => name);

function* states(machine) {
  for (const entry of Object.entries(machine.States)) {
    yield entry;
    const [, state] = entry;
    for (const inner of [state.ItemProcessor, state.Iterator, ...(state.Branches ?? [])]) {
      if (inner) yield* states(inner);
    }
  }
}
