package secret

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// AWS gives the clients that a Reader needs, one per region and role. The SDK's
// usual configuration applies; AWS_ENDPOINT_URL_SECRETS_MANAGER and
// AWS_ENDPOINT_URL_STS point it at local stand-ins. Nothing is loaded before
// the first call.
func AWS(opts ...func(*config.LoadOptions) error) func(context.Context, Ref) (SecretsManager, error) {
	type who struct{ region, role, externalID string }
	var (
		mu      sync.Mutex
		base    *aws.Config
		clients = map[who]SecretsManager{}
	)
	return func(ctx context.Context, r Ref) (SecretsManager, error) {
		mu.Lock()
		defer mu.Unlock()
		key := who{r.Region, r.RoleARN, r.ExternalID}
		if c := clients[key]; c != nil {
			return c, nil
		}
		if base == nil {
			cfg, err := config.LoadDefaultConfig(ctx, opts...)
			if err != nil {
				return nil, fmt.Errorf("load AWS configuration: %w", err)
			}
			base = &cfg
		}
		clients[key] = client(*base, r)
		return clients[key], nil
	}
}

func client(cfg aws.Config, r Ref) SecretsManager {
	if r.RoleARN != "" {
		// The role is assumed in the function's own region.
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), r.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "causeway"
			if r.ExternalID != "" {
				o.ExternalID = &r.ExternalID
			}
		})
		cfg.Credentials = aws.NewCredentialsCache(role)
	}
	return secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) {
		if r.Region != "" {
			o.Region = r.Region
		}
	})
}
