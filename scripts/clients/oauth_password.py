"""An OAuth 2 client logs in with the password flow: `grant_type=password`, client credentials by form and by HTTP Basic.

Such clients (requests-oauthlib here; Postman and Swagger UI alike) send more than the login needs; none of it may hurt.
"""

import os

from oauthlib.oauth2 import LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

# The test server is on loopback without TLS, which oauthlib refuses unless told otherwise.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

URL = os.environ["VOXGATE_URL"]
WAYS = {
    "client id in the form": {"include_client_id": True, "client_secret": ""},
    "client credentials by HTTP Basic": {"auth": HTTPBasicAuth("any-client", "any-secret")},
}

for way, options in WAYS.items():
    session = OAuth2Session(client=LegacyApplicationClient(client_id="any-client"))
    token = session.fetch_token(
        f"{URL}/auth/jwt/login",
        username=os.environ["VOXGATE_EMAIL"],
        password=os.environ["VOXGATE_PASSWORD"],
        timeout=30,
        **options,
    )
    assert token["token_type"] == "bearer", (way, token["token_type"])
    me = session.get(f"{URL}/users/me", timeout=30)
    assert me.status_code == 200, (way, me.status_code, me.text)
    assert me.json()["email"].lower() == os.environ["VOXGATE_EMAIL"].lower(), (way, me.text)

print(f"an OAuth 2 password client logs in: {', '.join(WAYS)}")
