"""The AWS backend: DynamoDB, S3 and KMS."""
