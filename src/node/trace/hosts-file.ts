import { isIP } from 'node:net';

const maxLines = 100_000;

/** The addresses that a name has in the text of /etc/hosts (hosts(5)): `192.0.2.7  shop.example www.shop.example # the shop`. */
export function addressesInHosts(text: string, name: string): readonly string[] {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  return text
    .split('\n', maxLines)
    .map(line => (line.split('#')[0] ?? '').trim().split(/\s+/))
    .filter(([address = '', ...names]) => isIP(address) !== 0 && names.some(each => each.toLowerCase() === wanted))
    .map(([address = '']) => address);
}
