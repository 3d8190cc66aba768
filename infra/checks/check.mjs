// Looks at templates with cdk-nag's AWS Solutions rules, and at their state
// machines with asl-validator. Prints what they find as JSON: for each folder a
// list of {rule, resource, text}. Usage: node check.mjs <folder>..., each with a
// template.json and a definition.json, which may be written into.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import validate from "asl-validator";
import { App, Aspects, DefaultStackSynthesizer, Stack } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { AwsSolutionsChecks } from "cdk-nag";

function check(folder) {
  const findings = [];
  const app = new App({ outdir: join(folder, "out") });
  // The template has the rule of the CDK's bootstrap already.
  const synthesizer = new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
  const stack = new Stack(app, "checked", { synthesizer });
  new CfnInclude(stack, "template", { templateFile: join(folder, "template.json") });
  Aspects.of(app).add(new AwsSolutionsChecks());
  app.synth();
  for (const construct of stack.node.findAll()) {
    for (const { type, data } of construct.node.metadata) {
      if (type === "aws:cdk:error" || type === "aws:cdk:warning") {
        findings.push({ rule: String(data).split(/[:[]/)[0], resource: construct.node.id, text: String(data) });
      }
    }
  }
  const checked = validate(JSON.parse(readFileSync(join(folder, "definition.json"), "utf8")));
  if (!checked.isValid) {
    findings.push({ rule: "asl-validator", resource: "Runs", text: checked.errorsText("; ") });
  }
  return findings;
}

console.log(JSON.stringify(process.argv.slice(2).map(check)));
