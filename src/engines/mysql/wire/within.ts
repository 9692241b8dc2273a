import type { Connection } from 'mysql2';
import { ConnectorError } from '../../../contract/errors.ts';
import { type Query, queryOn } from '../sql.ts';

/** What `answer` brings, or CONNECTION_LOST, behind `giveUp`, when it does not come in time. */
async function within<T>(millis: number, answer: Promise<T>, giveUp: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ConnectorError('CONNECTION_LOST', `The server has not answered for ${millis / 1000} seconds.`));
      giveUp();
    }, millis);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {}); // of a connection that was given up
  }
}

/** Like `queryOn`, and an answer that does not come in time is CONNECTION_LOST; the connection is given up then. */
export const queryWithin = (millis: number, driver: Connection): Query => {
  const { rows } = queryOn(driver);
  return { rows: <Row extends object>(sql: string) => within(millis, rows<Row>(sql), () => driver.destroy()) };
};
