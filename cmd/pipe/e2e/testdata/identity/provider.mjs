// An OpenID provider on loopback, and a gateway that verifies AWS signatures with npm aws4
// and passes requests on. PORT, GATEWAY_PORT, TARGET, PUBLIC_KEY (a JWK) and SERVE_REDIRECT (where
// it sends browsers back to) are variables.
import http from 'node:http';
import aws4 from 'aws4';
import Provider from 'oidc-provider';

const { PORT, GATEWAY_PORT, TARGET, PUBLIC_KEY, AWS_KEYS, SERVE_REDIRECT } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const machine = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };

const provider = new Provider(issuer, {
  clients: [
    { ...machine, client_id: 'pipe', client_secret: 'secret of pipe/+ %', token_endpoint_auth_method: 'client_secret_basic' },
    { ...machine, client_id: 'pipe-post', client_secret: 'posted-secret', token_endpoint_auth_method: 'client_secret_post' },
    {
      ...machine, client_id: 'pipe-key', token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [JSON.parse(PUBLIC_KEY)] },
    },
    {
      client_id: 'pipe-cli', token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: [], response_types: [],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    },
    {
      client_id: 'pipe-serve', client_secret: 'secret of serve/+ %', token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code'], response_types: ['code'], redirect_uris: [SERVE_REDIRECT || 'http://127.0.0.1/unused'],
    },
  ],
  features: {
    devInteractions: { enabled: true }, // the pages on which a person signs in and consents
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => ({
        audience: resource, scope: 'catalog', accessTokenFormat: 'jwt', accessTokenTTL: 70, jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'eve', groups: [`team-${id}`] }),
  }),
  clientBasedCORS: () => false,
});
let tokens = 0;
provider.on('client_credentials.saved', () => { tokens += 1; });
const idp = http.createServer((req, res) => {
  if (req.url === '/count') {
    res.end(String(tokens));
    return;
  }
  provider.callback()(req, res);
});

// The gateway signs what it got with npm aws4, by the key that the request names, and
// compares.
const keys = JSON.parse(AWS_KEYS);
const gateway = http.createServer((req, res) => {
  const parts = [];
  req.on('data', part => parts.push(part));
  req.on('end', () => {
    const body = Buffer.concat(parts);
    const wrong = verify(req, body);
    if (wrong) {
      res.writeHead(403, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ message: wrong }));
      return;
    }
    const headers = { ...req.headers, authorization: `Bearer ${process.env.TARGET_TOKEN}` };
    const on = http.request(TARGET + req.url, { method: req.method, headers }, answer => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    on.on('error', () => { res.writeHead(502); res.end(); });
    on.end(body);
  });
});

function verify(req, body) {
  const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=/
    .exec(req.headers.authorization || '');
  if (!m) return 'no signature';
  const [, id, region, service, names] = m;
  if (!keys[id]) return `the key ${id} is unknown`;
  const headers = {};
  for (const name of names.split(';')) headers[name] = req.headers[name];
  headers['X-Amz-Date'] = req.headers['x-amz-date'];
  delete headers['x-amz-date'];
  const signed = aws4.sign({
    host: req.headers.host, method: req.method, path: req.url, region, service, headers, body: body.toString('utf8'),
  }, { accessKeyId: id, secretAccessKey: keys[id].secret, sessionToken: keys[id].token });
  return signed.headers.Authorization === req.headers.authorization ? '' : 'the signature does not match';
}

gateway.listen(Number(GATEWAY_PORT), '127.0.0.1', () => idp.listen(Number(PORT), '127.0.0.1', () => console.log('ready')));
