/**
 * What the operating system tells of this machine, as counters that only grow and gauges that are
 * read. Everywhere: CPU times, load, memory, this process. On Linux also disks and network, from
 * /proc; elsewhere Node has no way to them, and the fields are missing.
 */
import * as fs from 'node:fs'
import * as os from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface CpuTimes {
  /** ms at work and ms in all, since the machine started. */
  readonly busyMs: number
  readonly totalMs: number
}

/** Bytes since the machine started. */
export interface ByteCounters {
  readonly inBytes: number
  readonly outBytes: number
}

export interface MachineReading {
  /** One entry a core. */
  readonly cores: readonly CpuTimes[]
  /** Mean number of runnable tasks over the last minute; 0 on Windows. */
  readonly load1: number
  readonly memoryUsedBytes: number
  readonly memoryTotalBytes: number
  /** How late this process's timers were since the last reading, ms. */
  readonly loopDelayMeanMs: number
  readonly loopDelayMaxMs: number
  /** This process. */
  readonly rssBytes: number
  readonly processCpuMs: number
  /** All disks: read (in) and written (out). Linux only. */
  readonly disk?: ByteCounters
  /** All network interfaces but loopback: received (in) and sent (out). Linux only. */
  readonly network?: ByteCounters
}

/** Reads the machine. Holds a timer of its own until closed. */
export interface MachineProbe {
  readonly host: string
  read(): MachineReading
  close(): void
}

/** The probe of the machine that this process runs on. */
export function openMachineProbe(): MachineProbe {
  const resolutionMs = 10
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  // The histogram has whole intervals between its own ticks; what is over the wished one is delay.
  const overMs = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs)
  return {
    host: os.hostname(),
    read() {
      const disk = diskBytes()
      const network = networkBytes()
      const { user, system } = process.cpuUsage()
      const reading: MachineReading = {
        cores: os.cpus().map(({ times }) => cpuTimes(times)),
        load1: os.loadavg()[0] ?? 0,
        memoryUsedBytes: os.totalmem() - os.freemem(),
        memoryTotalBytes: os.totalmem(),
        loopDelayMeanMs: delay.count === 0 ? 0 : overMs(delay.mean),
        loopDelayMaxMs: delay.count === 0 ? 0 : overMs(delay.max),
        rssBytes: process.memoryUsage.rss(),
        processCpuMs: (user + system) / 1000,
        ...(disk === null ? {} : { disk }),
        ...(network === null ? {} : { network }),
      }
      delay.reset()
      return reading
    },
    close: () => void delay.disable(),
  }
}

function cpuTimes({ user, nice, sys, idle, irq }: os.CpuInfo['times']): CpuTimes {
  const busyMs = user + nice + sys + irq
  return { busyMs, totalMs: busyMs + idle }
}

const sectorBytes = 512 // in /proc/diskstats always, whatever the disk has

/** Sum over the whole disks of /proc/diskstats; null where there is none. */
function diskBytes(): ByteCounters | null {
  const text = readProc('/proc/diskstats')
  return text === null ? null : parseDiskStats(text)
}

/** Sum over the interfaces of /proc/net/dev; null where there is none. */
function networkBytes(): ByteCounters | null {
  const text = readProc('/proc/net/dev')
  return text === null ? null : parseNetDev(text)
}

/**
 * Columns: major minor name reads merged sectors-read ms writes merged sectors-written … (kernel
 * documentation, admin-guide/iostats). Partitions repeat what their disk counts, mapped devices and
 * loops what lies below them, so only whole disks count.
 */
export function parseDiskStats(text: string): ByteCounters {
  let inBytes = 0
  let outBytes = 0
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/\s+/)
    if (!/^(?:[shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/.test(columns[2] ?? '')) continue
    inBytes += countIn(columns[5]) * sectorBytes
    outBytes += countIn(columns[9]) * sectorBytes
  }
  return { inBytes, outBytes }
}

/** Two lines of titles, then `name: received-bytes … (8 columns) sent-bytes …`. */
export function parseNetDev(text: string): ByteCounters {
  let inBytes = 0
  let outBytes = 0
  for (const line of text.split('\n')) {
    const match = /^\s*([^\s:|]+):\s*(.*)$/.exec(line)
    if (match === null || match[1] === 'lo') continue
    const columns = (match[2] ?? '').trim().split(/\s+/)
    inBytes += countIn(columns[0])
    outBytes += countIn(columns[8])
  }
  return { inBytes, outBytes }
}

/** 0 where there is no number: other kernels have other columns. */
function countIn(column: string | undefined): number {
  return /^\d{1,20}$/.test(column ?? '') ? Number(column) : 0
}

/** Files of /proc are made in memory when read: no disk is waited for. */
function readProc(path: string): string | null {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return null // another system, or a container that hides it
  }
}
