package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// network is a VPC for the functions that reach the databases. Its NAT gateway
// gives them one address, which Atlas can be told to allow; Ditto's API is on
// the internet, so the network "privatelink" has one too.
type network struct {
	vpc     awsec2.Vpc
	outside awsec2.SecurityGroup
	address awsec2.CfnEIP
}

func (b *builder) newNetwork() *network {
	if b.d.Network == "public" {
		return nil
	}
	n := &network{}
	n.address = awsec2.NewCfnEIP(b.Stack, jsii.String("Address"), &awsec2.CfnEIPProps{Domain: jsii.String("vpc")})
	n.vpc = awsec2.NewVpc(b.Stack, jsii.String("Network"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), NatGateways: jsii.Number(1), RestrictDefaultSecurityGroup: jsii.Bool(false),
		NatGatewayProvider: awsec2.NatProvider_Gateway(&awsec2.NatGatewayProps{EipAllocationIds: &[]*string{n.address.AttrAllocationId()}}),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC, CidrMask: jsii.Number(24), MapPublicIpOnLaunch: jsii.Bool(false)},
			{Name: jsii.String("functions"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS, CidrMask: jsii.Number(22)},
		},
	})
	logs := b.newLogGroup("NetworkLogs")
	role := b.newRole("NetworkLogsRole", "vpc-flow-logs.amazonaws.com", "Causeway "+b.d.Name+": log of refused connections.",
		allow("Logs", []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"}, logs.LogGroupArn()))
	awsec2.NewCfnFlowLog(b.Stack, jsii.String("NetworkFlowLog"), &awsec2.CfnFlowLogProps{
		ResourceId: n.vpc.VpcId(), ResourceType: jsii.String("VPC"), TrafficType: jsii.String("REJECT"),
		LogDestinationType: jsii.String("cloud-watch-logs"), LogDestination: logs.LogGroupArn(), DeliverLogsPermissionArn: role.RoleArn(),
	})
	n.outside = awsec2.NewSecurityGroup(b.Stack, jsii.String("Outgoing"), &awsec2.SecurityGroupProps{
		Vpc: n.vpc, Description: jsii.String("Causeway: functions, outgoing only"), AllowAllOutbound: jsii.Bool(true),
	})
	named(n.outside, "Outgoing")
	if b.d.Network == "privatelink" {
		b.newPrivateLink(n)
	}
	return n
}

// newPrivateLink makes the endpoint that Atlas asks for. Atlas offers it ports
// 1024 to 65535 of the cluster's nodes.
func (b *builder) newPrivateLink(n *network) {
	group := awsec2.NewSecurityGroup(b.Stack, jsii.String("Atlas"), &awsec2.SecurityGroupProps{
		Vpc: n.vpc, Description: jsii.String("Causeway: Atlas private endpoint"), AllowAllOutbound: jsii.Bool(false),
	})
	named(group, "Atlas")
	group.AddIngressRule(n.outside, awsec2.Port_TcpRange(jsii.Number(1024), jsii.Number(65535)), jsii.String("functions"), nil)
	var subnets []any
	for _, id := range *n.vpc.SelectSubnets(n.subnets()).SubnetIds {
		subnets = append(subnets, id)
	}
	endpoint := awsec2.NewCfnVPCEndpoint(b.Stack, jsii.String("AtlasEndpoint"), &awsec2.CfnVPCEndpointProps{
		ServiceName: &b.d.Endpoints, VpcId: n.vpc.VpcId(), VpcEndpointType: jsii.String("Interface"),
		SubnetIds:        &subnets,
		SecurityGroupIds: &[]any{group.SecurityGroupId()},
	})
	awscdk.NewCfnOutput(b.Stack, jsii.String("AtlasEndpointId"), &awscdk.CfnOutputProps{
		Value: endpoint.Ref(), Description: jsii.String("Enter it in Atlas as the private endpoint's id."),
	})
}

func (n *network) subnets() *awsec2.SubnetSelection {
	return &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
}

// place puts a function into the network.
func (n *network) place(p *awslambda.FunctionProps) {
	p.Vpc, p.VpcSubnets, p.SecurityGroups = n.vpc, n.subnets(), &[]awsec2.ISecurityGroup{n.outside}
}

// statement is what Lambda needs for it.
func (n *network) statement() awsiam.PolicyStatement {
	return allow("Network", []string{
		"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	}, jsii.String("*"))
}
