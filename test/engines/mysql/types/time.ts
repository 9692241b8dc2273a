import type { TypeFamily } from '../../../kit/type-family.ts';
import { type CaseRow, cases, DATE, nulled, quote, STRING, same, TIMESTAMP, TIMESTAMP_TZ } from './rows.ts';

/** As SQL has it; ISO 8601 puts a T between date and time, and a Z behind what is in UTC. */
const stamps = (zone: '' | 'Z', ...texts: readonly string[]): readonly CaseRow[] =>
  texts.map(text => [quote(text), JSON.stringify(`${text.replace(' ', 'T')}${zone}`)]);

const noDays = ['0000-00-00', '2024-00-01', '2024-02-00', '0000-05-05', '2023-02-29', '2024-02-31'];

export const time: TypeFamily = {
  name: 'time',
  title: 'Dates and times',
  notes: [
    'ISO 8601 with as many digits of the fraction as the column is declared with. `timestamp` is always in UTC, whatever the time zone of the server or the session; `datetime` has no time zone. `time` is a duration, from -838:59:59 to 838:59:59, and so a string as the server prints it.',
    'What is no day of the calendar is null, with an entry in `meta.changes`: `0000-00-00`, dates without a month or a day, dates of the year 0, and days such as `2024-02-31`, which a server stores under `ALLOW_INVALID_DATES`.',
  ],
  cases: [
    ...cases('date', DATE, [...same('2024-02-29', '1000-01-01', '0001-01-01', '9999-12-31'), ...nulled(...noDays)]),
    ...cases('datetime', TIMESTAMP, [
      ...stamps('', '2024-02-29 12:34:56', '0001-01-01 00:00:00', '9999-12-31 23:59:59'),
      [quote('2024-01-02 03:04:05.4'), '"2024-01-02T03:04:05"'],
      ...nulled('0000-00-00 00:00:00', '2024-00-01 01:02:03', '2024-02-31 01:02:03'),
    ]),
    ...cases('datetime(1)', TIMESTAMP, stamps('', '2024-01-02 03:04:05.6')),
    ...cases('datetime(3)', TIMESTAMP, stamps('', '1969-12-31 23:59:59.999')),
    ...cases('datetime(5)', TIMESTAMP, stamps('', '2024-01-02 03:04:05.00001')),
    ...cases('datetime(6)', TIMESTAMP, [
      ...stamps('', '2024-01-02 03:04:05.000001', '9999-12-31 23:59:59.999999', '2024-01-02 00:00:00.000000'),
      ...nulled('0000-00-00 00:00:00.000000'),
    ]),
    ...cases('timestamp NULL', TIMESTAMP_TZ, [
      ...stamps('Z', '1970-01-01 00:00:01', '2024-03-31 02:30:00', '2024-10-27 01:30:00', '2038-01-19 03:14:07'),
      ...nulled('0000-00-00 00:00:00'),
    ]),
    ...cases('timestamp(2) NULL', TIMESTAMP_TZ, stamps('Z', '2000-02-29 12:00:00.25')),
    ...cases('timestamp(3) NULL', TIMESTAMP_TZ, stamps('Z', '2024-12-31 23:59:59.999')),
    ...cases('timestamp(6) NULL', TIMESTAMP_TZ, [
      ...stamps('Z', '1970-01-01 00:00:01.000001', '2038-01-19 03:14:07.999999'),
      ...nulled('0000-00-00 00:00:00'),
    ]),
    ...cases('time', STRING, same('00:00:00', '23:59:59', '24:00:00', '838:59:59', '-838:59:59', '-00:00:01')),
    ...cases('time(1)', STRING, same('-00:00:00.5', '12:34:56.7')),
    ...cases('time(3)', STRING, same('12:34:56.789', '-01:00:00.001')),
    ...cases('time(6)', STRING, same('-00:00:00.000001', '100:00:00.000000', '838:59:58.999999')),
  ],
};
