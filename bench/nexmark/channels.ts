/** Channels and addresses of bids in profile X, by tables made from fixed seeds. */
import { JavaRandom } from './java-random.ts'
import { text } from './texts.ts'

export interface Channel {
  readonly channel: string
  readonly url: string
}

const channelCount = 10_000

export function channelOf(random: JavaRandom): Channel {
  if (random.nextInt(2) > 0) return hot[random.nextInt(hot.length)] as Channel
  return others[random.nextInt(channelCount)] as Channel
}

const hot: readonly Channel[] = ['Google', 'Facebook', 'Baidu', 'Apple'].map((channel, i) => {
  return { channel, url: address(new JavaRandom().seed(1_000_000 + i)) }
})

const others: readonly Channel[] = Array.from({ length: channelCount }, (_, i) => {
  const random = new JavaRandom().seed(2_000_000 + i)
  const url = address(random)
  const id = Math.abs(reversedBits(i))
  return {
    channel: `channel-${i}`,
    url: random.nextInt(10) > 0 ? `${url}&channel_id=${id}` : url,
  }
})

function address(random: JavaRandom): string {
  const piece = (): string => text(random, 5, '_')
  return `https://www.nexmark.com/${piece()}/${piece()}/${piece()}/item.htm?query=1`
}

/** Of a signed number of 32 bits. */
function reversedBits(value: number): number {
  let reversed = 0
  for (let i = 0; i < 32; i++) reversed = (reversed << 1) | ((value >>> i) & 1)
  return reversed
}
