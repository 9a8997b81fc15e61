/** Which addresses a call to a stranger's URL may reach: the public internet, and exactly what the operator allowed. */
import { BlockList, isIP } from 'node:net';

/** One answer of name resolution. */
export interface ResolvedAddress {
  address: string;
  family: number;
}

/** Special-purpose IPv4 space (IANA registry, RFC 6890): this network, private, shared (CGNAT), loopback, link-local … */
const refusedV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Inside global unicast space (RFC 4291), what carries or documents something else: Teredo and ORCHID, 6to4, examples. */
const refusedV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
const special = new BlockList();
for (const [network, bits] of refusedV4) special.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of refusedV6) special.addSubnet(network, bits, 'ipv6');

/** True for an address of the public internet. An IPv4 address in IPv6 clothes (mapped, translated, 6to4) is none. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
