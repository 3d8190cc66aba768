package stack

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
)

// Requests that the webhook takes a second, and at once. Ditto sends one per
// changed document; beyond this it is answered 429.
const (
	webhookRate  = 1000
	webhookBurst = 2000
)

const webhookPath = "/webhook"

// webhook is the HTTP API that Ditto calls.
type webhook struct {
	api awsapigatewayv2.CfnApi
	url *string
}

// newWebhook makes it, nil where Ditto's changes come by Kafka alone. The
// receiver checks the signature of the raw body, which no authorizer gets to see.
func (b *builder) newWebhook(receiver *function) *webhook {
	if b.d.Webhook == "" {
		return nil
	}
	api := awsapigatewayv2.NewCfnApi(b.Stack, jsii.String("Webhook"), &awsapigatewayv2.CfnApiProps{
		Name: &b.d.Name, ProtocolType: jsii.String("HTTP"), Description: jsii.String("Causeway " + b.d.Name + ": Ditto's webhook."),
	})
	integration := awsapigatewayv2.NewCfnIntegration(b.Stack, jsii.String("WebhookIntegration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId: api.Ref(), IntegrationType: jsii.String("AWS_PROXY"), IntegrationUri: receiver.FunctionArn(),
		PayloadFormatVersion: jsii.String("2.0"), TimeoutInMillis: jsii.Number(30000),
	})
	route := awsapigatewayv2.NewCfnRoute(b.Stack, jsii.String("WebhookRoute"), &awsapigatewayv2.CfnRouteProps{
		ApiId: api.Ref(), RouteKey: jsii.String("POST " + webhookPath), AuthorizationType: jsii.String("NONE"),
		Target: jsii.String("integrations/" + *integration.Ref()),
	})
	const signed = "Ditto signs its webhooks, or sends a bearer token: the receiver checks both, the signature over the raw body, which an authorizer does not get."
	explain(route, reason{"AwsSolutions-APIG4", signed}, reason{"api_gw_v2_authorization_type_configured_check", signed})
	// Who called and how it was answered, never a body or a header (invariants 10, 11).
	format, _ := json.Marshal(map[string]string{
		"id": "$context.requestId", "ip": "$context.identity.sourceIp", "status": "$context.status", "ms": "$context.responseLatency",
		"error": "$context.integrationErrorMessage",
	})
	awsapigatewayv2.NewCfnStage(b.Stack, jsii.String("WebhookStage"), &awsapigatewayv2.CfnStageProps{
		ApiId: api.Ref(), StageName: jsii.String("$default"), AutoDeploy: true,
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: b.newLogGroupOf("WebhookLogs", awslogs.LogGroupClass_INFREQUENT_ACCESS).LogGroupArn(), Format: jsii.String(string(format)),
		},
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit: jsii.Number(webhookRate), ThrottlingBurstLimit: jsii.Number(webhookBurst), DetailedMetricsEnabled: false,
		},
	})
	permission := awslambda.NewCfnPermission(b.Stack, jsii.String("WebhookPermission"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: receiver.FunctionArn(), Principal: jsii.String("apigateway.amazonaws.com"),
		SourceArn: b.arn("execute-api", *api.Ref()+"/$default/POST"+webhookPath), SourceAccount: b.Account(),
	})
	explain(permission, reason{
		"lambda_function_public_access_prohibited_check",
		"It names this API's one route, and the account: the checker reads no ARN that is joined from parts.",
	})
	return &webhook{api, jsii.String(*api.AttrApiEndpoint() + webhookPath)}
}
