import { both, either, header } from '../marks.ts';
import { envoyPage } from '../pages.ts';
import { defineProduct } from '../product.ts';
import envoy from './envoy.ts';

const named = either(header('server', { is: 'istio-envoy' }), header('x-envoy-decorator-operation'));

/** Envoy as Istio's gateway or sidecar: a mesh has one before and one behind, and both write the same page. */
export default defineProduct({
  ...envoy,
  id: 'istio',
  title: "Istio's Envoy",
  variantOf: 'envoy',
  marks: [
    { see: both(envoyPage, named), tells: 'page', basis: 'field', says: "a local reply of Envoy's" },
    { see: named, tells: 'path', basis: 'field', says: "Istio's gateways and sidecars name themselves so" },
    {
      see: both(header('x-envoy-upstream-service-time'), named),
      tells: 'passed',
      basis: 'field',
      says: 'the time that a server behind took: it answered, and this Envoy passed it on',
    },
  ],
});
