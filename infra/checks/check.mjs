// Looks at a template with cdk-nag's AWS Solutions rules, and at its state
// machine with asl-validator. Prints what they find as JSON: [{rule, resource,
// text}]. Usage: node check.mjs <template.json> <definition.json> <folder to write into>
import { readFileSync } from "node:fs";
import validate from "asl-validator";
import { App, Aspects, DefaultStackSynthesizer, Stack } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { AwsSolutionsChecks } from "cdk-nag";

const [template, definition, outdir] = process.argv.slice(2);
const findings = [];

const app = new App({ outdir });
// The template has the rule of the CDK's bootstrap already.
const synthesizer = new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
const stack = new Stack(app, "checked", { synthesizer });
new CfnInclude(stack, "template", { templateFile: template });
Aspects.of(app).add(new AwsSolutionsChecks());
app.synth();
for (const construct of stack.node.findAll()) {
  for (const { type, data } of construct.node.metadata) {
    if (type === "aws:cdk:error" || type === "aws:cdk:warning") {
      findings.push({ rule: String(data).split(/[:[]/)[0], resource: construct.node.id, text: String(data) });
    }
  }
}

const checked = validate(JSON.parse(readFileSync(definition, "utf8")));
if (!checked.isValid) {
  findings.push({ rule: "asl-validator", resource: "Runs", text: checked.errorsText("; ") });
}
console.log(JSON.stringify(findings));
