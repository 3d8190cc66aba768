package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/atlas"
	"github.com/causeway-sync/causeway/core/manifest"
)

type triggerCmd struct {
	Show triggerShow `cmd:"" help:"Print the configuration of the Atlas trigger."`
}

type triggerShow struct {
	Config     string `help:"The manifest." default:"causeway.yaml" type:"path" env:"CONFIG"`
	Account    string `help:"AWS account that the events go to." placeholder:"ID"`
	Region     string `help:"Its region." env:"AWS_REGION" placeholder:"REGION"`
	ServiceID  string `help:"Id of the data source, the cluster, in the app of the project's triggers." placeholder:"ID"`
	Service    string `help:"Name of that data source." default:"mongodb-atlas"`
	FunctionID string `help:"Id of the error handler, for the Admin API." placeholder:"ID"`
	Only       string `help:"Print only the trigger, the function, or the match or project expression, to be written into a file." enum:"trigger,function,match,project,all" default:"all"`
}

func (triggerShow) Help() string {
	return `Prints what the trigger has to be, the function that handles events that are too large, and
how to create both. It asks Atlas for nothing, and changes nothing.

Examples:
  causeway trigger show
  causeway trigger show --only trigger --account 123456789012 --region eu-west-1 --service-id … > triggers/causeway-example.json
  causeway trigger show --only match`
}

func (c triggerShow) Run(e *env) error {
	m, err := manifest.Load(c.Config)
	if err != nil {
		return err
	}
	o := atlas.Options{Account: c.Account, Region: c.Region, ServiceID: c.ServiceID, Service: c.Service, Function: c.FunctionID}
	t, err := atlas.New(m, o)
	if err != nil {
		return err
	}
	function := atlas.Function(o)
	switch c.Only {
	case "trigger":
		return e.printJSON(t)
	case "match":
		return e.printJSON(t.Config.Match)
	case "project":
		return e.printJSON(t.Config.Project)
	case "function":
		_, err := fmt.Fprint(e.stdout, function)
		return err
	}
	commands := commandsFor(t, m)
	if e.json {
		return e.printJSON(map[string]any{"trigger": t, "functionName": atlas.FunctionName, "function": function, "commands": commands})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(t); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, triggerText, t.Name, strings.TrimSpace(b.String()), atlas.FunctionName, strings.TrimSpace(function), strings.Join(commands, "\n"))
	return err
}

// commandsFor creates both with MongoDB's command line for triggers.
func commandsFor(t atlas.Trigger, m *manifest.Manifest) []string {
	show := "causeway trigger show"
	if m.Deployment == nil {
		show += " --config YOUR_MANIFEST"
	}
	return []string{
		"npm install -g atlas-app-services-cli",
		"appservices login                         # asks for an API key of the project with the role Project Owner",
		"appservices pull --remote YOUR_TRIGGERS_APP_ID --local triggers-app",
		"cd triggers-app",
		show + " --only function > functions/" + atlas.FunctionName + ".js",
		`# into the list in functions/config.json: {"name": "` + atlas.FunctionName + `", "private": true, "run_as_system": true}`,
		show + " --only trigger --account YOUR_AWS_ACCOUNT_ID --region YOUR_AWS_REGION --service-id YOUR_SERVICE_ID > triggers/" + t.Name + ".json",
		"appservices push --remote YOUR_TRIGGERS_APP_ID",
	}
}

const triggerText = `The trigger %s, as App Services JSON:

%s

The function %s, its error handler:

%s

Why it is so:
  no collection           it listens to the whole database, so that one trigger sees all collections, and their drops and
                          renames. One trigger per collection works too: then list the event source of each
  match                   the configured collections and the canary's: the ledger causes no event. Change it with the manifest
  project                 keys alone: no document leaves Atlas in an event, and none is too large for EventBridge
  unordered               order does not matter to Causeway, and an ordered trigger falls behind
  tolerate_resume_errors  off: else Atlas starts again after a gap without saying so. Suspended, it sends a mail
  skip_catchup_events     off: what happened while it was off is sent when it is on again
  extended_json_enabled   on: an ObjectId is told from the text of its digits. Plain JSON works too
  error_handler           an event that is too large is skipped, and listed by 'causeway unsynced list'. For any other
                          error the trigger is suspended

Three ways to create it:
  1. Atlas UI             project, Triggers, Add Trigger: Database, Event Type EventBridge, and the fields as above.
                          Ordering and auto-resume are under Advanced
  2. App Services CLI     MongoDB's command line for triggers; the atlas CLI has no command for them:

%s

                          YOUR_TRIGGERS_APP_ID is the app that Atlas keeps a project's triggers in: 'appservices apps list'.
                          YOUR_SERVICE_ID is "_id" in data_sources/<name>/config.json of what was pulled
  3. CloudFormation       the type MongoDB::Atlas::Trigger, where its extension is activated: it takes all but the error
                          handler, without which an event that is too large suspends the trigger; add that by 1 or 2.
                          It wants a collection: one trigger each, and one for __causeway_canary

"App Services" is the name that the configuration has kept: its sync and hosting have ended, triggers and functions
have not.

The order that loses nothing:
  1. Create the trigger. AWS now shows its partner event source, aws.partner/mongodb.com/stitch.trigger/<id>.
  2. Write that into triggerEventSources in causeway.yaml, and 'npx cdk deploy' within two weeks: it associates the
     event bus. What the trigger sends before that vanishes, and EventBridge does not say so.
  3. 'causeway sync --stack NAME', which compares everything, from then on. Collections with initialSync: true have it
     done by the deployment; for others 'causeway repair --stack NAME' if something was changed since step 1.
  4. 'causeway status --stack NAME': the canary has come back.
`
