"""Google's words, of which the failures that any cloud can meet make their sentences."""

from provision.failures import Service

GCE = Service(
    name="GCE",
    owner="Google",
    account="project",
    login="gcloud auth application-default login",
    give_key="export GOOGLE_APPLICATION_CREDENTIALS=KEY.json",
    renew_key="make a new key for GOOGLE_APPLICATION_CREDENTIALS",
    role="roles/compute.admin",
    endpoint="PROVISION_GCE_ENDPOINT",
    status_page="https://status.cloud.google.com",
    quota_page="https://console.cloud.google.com/iam-admin/quotas",
    rates_page="https://console.cloud.google.com/apis/api/compute.googleapis.com/quotas",
    billing_page="https://console.cloud.google.com/billing/projects",
)
