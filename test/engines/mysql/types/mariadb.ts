import type { TypeFamily } from '../../../kit/type-family.ts';
import { BINARY, becomes, bytes, cases, digits, INTEGER, quote, STRING, same } from './rows.ts';

export const ownTypes: TypeFamily = {
  name: 'own_types',
  title: 'Types of MariaDB',
  notes: [
    'UUIDs and addresses as the server prints them. A `COMPRESSED` column is what it would be without. `year(2)` gives its two digits as a number.',
  ],
  cases: [
    ...cases('uuid', STRING, [
      ...same('123e4567-e89b-12d3-a456-426655440000', '00000000-0000-0000-0000-000000000000'),
      ...same('ffffffff-ffff-ffff-ffff-ffffffffffff'),
      becomes('123E4567E89B42D3A456426655440000', '123e4567-e89b-42d3-a456-426655440000'),
    ]),
    ...cases('inet4', STRING, same('0.0.0.0', '192.0.2.1', '255.255.255.255', '10.0.0.0')),
    ...cases('inet6', STRING, [
      ...same('::', '::1', '2001:db8::ff00:42:8329', '1::', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8'),
      becomes('2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'),
    ]),
    ...cases('year(2)', INTEGER, digits('69', '70', '5')),
    ...cases('varchar(200) COMPRESSED', STRING, same('', 'short', 'é"'.repeat(100))),
    ...cases('varchar(1000) COMPRESSED CHARACTER SET latin1', STRING, same('é'.repeat(1000))),
    ...cases('text COMPRESSED', STRING, [
      ...same('', 'a\n'.repeat(1000)),
      [`REPEAT(${quote('x')}, 60000)`, `"${'x'.repeat(60_000)}"`],
    ]),
    ...cases('longtext COMPRESSED', STRING, same('日'.repeat(500))),
    ...cases('varbinary(200) COMPRESSED', BINARY, [bytes(''), bytes('00ff'.repeat(100))]),
    ...cases('blob COMPRESSED', BINARY, [bytes('00'.repeat(3000))]),
  ],
};
