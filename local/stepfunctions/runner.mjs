// Runs the executions of one state machine, the ASL of CAUSEWAY_DEFINITION,
// with npm's aws-local-stepfunctions. Talks in lines of JSON: to standard
// output, first a line that says it is ready, then
//   {type: "task", id, execution, state, function, payload}
//   {type: "end", execution, output} or {type: "end", execution, error, cause}
// and from standard input
//   {type: "run", execution, arn, input}, {type: "stop", execution}
//   {type: "answer", id, payload} or {type: "answer", id, error, cause}
// It ends with its standard input.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import validate from "asl-validator";
import { ExecutionError, StateMachine } from "aws-local-stepfunctions";

import { adapt, taskStates } from "./adapt.mjs";

// The library needs it, and Node.js 20 has not got it.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((res, rej) => ([resolve, reject] = [res, rej]));
  return { promise, resolve, reject };
};

// What a state may hand to the next one, in bytes.
const payloadLimit = 256 * 1024;

const definition = JSON.parse(process.env.CAUSEWAY_DEFINITION);
const checked = validate(structuredClone(definition)); // it writes into what it checks
if (!checked.isValid) {
  console.error("the state machine is not valid: " + checked.errorsText("; "));
  process.exit(1);
}
const machine = new StateMachine(adapt(definition, Number(process.env.CAUSEWAY_WAIT_SCALE)), {
  validationOptions: { noValidate: true },
});

// A child of a distributed map is an execution of its own, with a name of its
// own, and what it fails with is not what the map fails with: the library runs
// it as it runs any item.
const runMachine = StateMachine.prototype.run;
StateMachine.prototype.run = function (input, options) {
  if (this.definition.ProcessorConfig?.Mode !== "DISTRIBUTED") return runMachine.call(this, input, options);
  const { context } = options;
  const Name = randomUUID();
  const Execution = { ...context.Execution, Id: `${context.Execution.Id}:${Name}`, Name };
  const child = runMachine.call(this, input, { ...options, context: { ...context, Execution } });
  const result = child.result.catch((err) => {
    if (!(err instanceof ExecutionError)) throw err;
    throw new StateError("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded");
  });
  return { ...child, result };
};

const send = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const running = new Map(); // execution: AbortController, for what this file does
const waiting = new Map(); // id of a task: {resolve, reject}
let tasks = 0;

// StateError is an error by the name that Retry and Catch see. One that is
// final is none that States.ALL matches.
class StateError extends Error {
  constructor(name, cause, final = false) {
    super(cause);
    this.name = name;
    this.isRetryable = this.isCatchable = !final;
  }
}

// handler invokes the function of a task by way of the parent process.
function handler(execution, state, signal) {
  return async ({ FunctionName, Payload }) => {
    // The library starts what is left of a map even after it was aborted.
    if (signal.aborted) throw new StateError("Aborted", "the execution was stopped", true);
    const id = ++tasks;
    const payload = await new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      send({ type: "task", id, execution, state, function: FunctionName, payload: Payload });
    });
    const result = { ExecutedVersion: "$LATEST", Payload: payload, StatusCode: 200 };
    const size = Buffer.byteLength(JSON.stringify(result));
    if (size > payloadLimit) {
      throw new StateError(
        "States.DataLimitExceeded",
        `The state '${state}' returned a result of ${size} bytes: over the limit of ${payloadLimit}.`,
        true,
      );
    }
    return result;
  };
}

async function run({ execution, arn, input }) {
  const stopping = new AbortController();
  running.set(execution, stopping);
  const handlers = taskStates(definition).map((state) => [state, handler(execution, state, stopping.signal)]);
  const { abort, eventLogs, result } = machine.run(input, {
    context: {
      Execution: { Id: arn.execution, Name: execution, RedriveCount: 0 },
      StateMachine: { Id: arn.stateMachine, Name: arn.stateMachine.split(":").at(-1) },
    },
    overrides: { taskResourceLocalHandlers: Object.fromEntries(handlers) },
  });
  stopping.signal.addEventListener("abort", abort);
  log(execution, eventLogs);
  try {
    send({ type: "end", execution, output: await result });
  } catch (err) {
    const { name, message } = err.cause ?? err;
    send({ type: "end", execution, error: name, cause: message });
  } finally {
    running.delete(execution);
  }
}

// log writes what goes wrong to standard error, and keeps events from piling up.
async function log(execution, events) {
  for await (const { type, state, Error: error, index } of events) {
    if (type !== "StateFailed") continue;
    console.error(`${execution}: ${state.name}${index === undefined ? "" : ` of item ${index}`}: ${error}`);
  }
}

function stop({ execution }) {
  running.get(execution)?.abort();
}

function answer({ id, payload, error, cause }) {
  const task = waiting.get(id);
  waiting.delete(id);
  if (error) task.reject(new StateError(error, cause));
  else task.resolve(payload);
}

const handle = { run, stop, answer };
createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on("line", (line) => {
    const message = JSON.parse(line);
    handle[message.type](message);
  })
  .on("close", () => process.exit(0));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
console.log("ready");
