// The SQS stand-in of npm as a program: listens on loopback, creates the
// queues of CAUSEWAY_QUEUES (a JSON array of CreateQueue requests), then prints
// its port on one line.
import { createSqsServer } from "local-aws-sqs";

const server = await createSqsServer({
  port: Number(process.env.CAUSEWAY_PORT),
  hostname: "127.0.0.1",
  region: process.env.AWS_REGION,
  emulateQueueCreationLifecycle: false,
  queues: JSON.parse(process.env.CAUSEWAY_QUEUES),
});
server.on("error", (err) => {
  console.error(String(err));
  process.exit(1);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
console.log(server.address().port);
