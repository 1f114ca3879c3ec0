// An OpenID Connect provider for the tests of sign-in: real protocol, made-up people.
// Prints its address when it listens. Argument: the address to which the hub sends back.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const back = process.argv[2];
const people = {
  'sub-anna': { name: 'Anna Ek', email: 'anna@example.org', email_verified: true },
  'sub-eve': { name: 'Eve', email: 'anna@example.org', email_verified: false },
};
const keys = [
  { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'rsa' },
  { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'ec' },
  { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'ed' },
];
const client = (id, alg, more) => ({
  client_id: id, redirect_uris: [back], grant_types: ['authorization_code'], response_types: ['code'],
  id_token_signed_response_alg: alg, ...more,
});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      client('hub', 'RS256', { client_secret: 'known to the hub and the provider' }),
      client('hub-post', 'ES256', { client_secret: 'another', token_endpoint_auth_method: 'client_secret_post' }),
      client('hub-public', 'EdDSA', { token_endpoint_auth_method: 'none' }),
    ],
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    cookies: { keys: ['made for the tests'] },
  });
  server.on('request', provider.callback());
  console.log(`provider at ${issuer}`);
});
