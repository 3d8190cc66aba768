// Package cost computes what a deployment costs, from a table of prices:
// docs/cost.md and the dashboard show what it computes.
package cost

// The price list that the table is taken from.
const (
	Region = "us-east-1"
	Date   = "November 2026"
)

// Prices in USD, without free tiers, of AWS's public price list.
const (
	LambdaRequest  = 0.20 / 1e6
	LambdaGBSecond = 0.0000133334 // arm64
	SQSRequest     = 0.40 / 1e6   // standard queue
	PartnerEvent   = 1.00 / 1e6   // EventBridge, up to 64 KiB
	HTTPRequest    = 1.00 / 1e6   // API Gateway HTTP API, up to 512 KiB
	KMSRequest     = 0.03 / 1e4
	KMSKey         = 1.00 // a month
	Secret         = 0.40 // a month
	SecretRequest  = 0.05 / 1e4
	LogGB          = 0.50 // ingested
	Metric         = 0.30 // a month, of a function's own
	Alarm          = 0.10 // a month, standard resolution
	Dashboard      = 3.00 // a month
	Transition     = 0.025 / 1e3
	NATHour        = 0.045
	NATGB          = 0.045
	AddressHour    = 0.005
	EndpointHour   = 0.01    // of a private endpoint, in one zone
	OutGB          = 0.09    // to the internet
	ZoneGB         = 0.01    // within the region, each way
	VCPUHour       = 0.03238 // Fargate, arm64
	GBHour         = 0.00356 // Fargate, arm64
	HoursPerMonth  = 730.0
)
