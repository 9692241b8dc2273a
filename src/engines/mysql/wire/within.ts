import { ConnectorError } from '../../../contract/errors.ts';

/** What `answer` brings, or CONNECTION_LOST, behind `giveUp`, when it does not come in time. */
export async function within<T>(millis: number, answer: Promise<T>, giveUp: () => void): Promise<T> {
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
