import type { TypeFamily } from '../../../kit/type-family.ts';
import { becomes, cases, STRING, same } from './rows.ts';

export const networkAndGeometry: TypeFamily = {
  name: 'network_geometry',
  title: 'Network addresses and geometry',
  notes: ['The text that the server prints.'],
  cases: [
    ...cases('inet', STRING, same('10.0.0.1', '10.0.0.1/8', '::1', '2001:db8::ff00:42:8329/64', '::ffff:1.2.3.4')),
    ...cases('cidr', STRING, [...same('10.0.0.0/8', '2001:db8::/32'), becomes('10', '10.0.0.0/8')]),
    ...cases('macaddr', STRING, [...same('08:00:2b:01:02:03'), becomes('08002B-010203', '08:00:2b:01:02:03')]),
    ...cases('macaddr8', STRING, [becomes('08:00:2b:01:02:03', '08:00:2b:ff:fe:01:02:03')]),
    ...cases('point', STRING, same('(1.5,-0)', '(1e-307,1e+300)', '(NaN,Infinity)')),
    ...cases('line', STRING, same('{1,-2,3.5}')),
    ...cases('lseg', STRING, same('[(0,0),(1,1)]')),
    ...cases('box', STRING, [becomes('(0,0),(1,2)', '(1,2),(0,0)')]),
    ...cases('path', STRING, same('[(0,0),(1,1)]', '((0,0),(1,1),(0,1))')),
    ...cases('polygon', STRING, same('((0,0),(1,1),(0,1))')),
    ...cases('circle', STRING, same('<(0.1,-2),5>')),
  ],
};
