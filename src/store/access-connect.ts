import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createConnection, isIP } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import type { AccessFinding } from '../core/access.ts'
import type { Probe } from './access.ts'

type Variables = Readonly<Record<string, string | undefined>>

/**
 * The steps `connect` (DNS and TCP) and `tls` towards the server behind a URL. Where the environment names a proxy
 * for it, it is the proxy that is connected to.
 */
export function connectProbes(
  url: URL,
  setting: string,
  env: Variables = process.env,
): readonly Probe[] {
  const proxy = proxyFor(url, env)
  const { host, port, shown } = placeOf(proxy ?? url)
  const through = proxy === undefined ? '' : ` (the proxy of the environment)`
  const correct =
    proxy === undefined
      ? `Correct ${setting}`
      : 'Correct the proxy that HTTPS_PROXY or HTTP_PROXY names, or except the host with NO_PROXY'
  return [
    {
      step: 'connect',
      asked: `TCP ${shown}`,
      late: {
        detail: `no TCP connection to ${shown}${through}`,
        change: `${correct}; or let a firewall on the way pass connections to port ${port}.`,
      },
      async run(signal) {
        const since = performance.now()
        const addresses = isIP(host) === 0 ? await resolved(host) : [host]
        if (typeof addresses === 'string')
          return { result: 'failed', detail: addresses, change: `${correct}.` }
        const socket = createConnection({ host, port, signal })
        try {
          await once(socket, 'connect', { signal })
          const ms = Math.round(performance.now() - since)
          const at = addresses.includes(host) ? '' : ` at ${socket.remoteAddress}`
          return { result: 'ok', detail: `${shown}${at}${through}, ${ms} ms` }
        } catch (error) {
          signal.throwIfAborted()
          return {
            result: 'failed',
            detail: `${refusal(error)} ${shown}${through}`,
            change: `${correct}, or start the server that should listen there.`,
          }
        } finally {
          socket.destroy()
        }
      },
    },
    {
      step: 'tls',
      asked: `TLS ${shown}`,
      after: ['connect'],
      late: {
        detail: `no TLS handshake with ${shown}`,
        change: `Something listens on port ${port} and does not answer: correct ${setting}, or ask who runs the server.`,
      },
      async run(signal) {
        if (url.protocol === 'http:')
          return { result: 'skipped', detail: 'the endpoint is plain http' }
        if (proxy !== undefined) {
          return { result: 'skipped', detail: 'the proxy stands between; the next step shows it' }
        }
        return handshake({ host, port, shown, setting }, signal)
      },
    },
  ]
}

interface Place {
  readonly host: string
  readonly port: number
  readonly shown: string
}

function placeOf({ hostname, port, protocol }: URL): Place {
  const number = Number(port) || (protocol === 'http:' ? 80 : 443)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: number, shown: `${hostname}:${number}` }
}

/** Addresses of a name, or what is wrong with it. */
async function resolved(host: string): Promise<readonly string[] | string> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTFOUND') return `DNS knows no host ${host}`
    return `DNS gave no answer about ${host} (${code})`
  }
}

function refusal(error: unknown): string {
  const { code, errors } = error as { code?: string; errors?: readonly { code?: string }[] }
  const name = code ?? errors?.[0]?.code ?? String(error)
  if (name === 'ECONNREFUSED') return 'nothing listens on'
  if (name === 'ETIMEDOUT') return 'no TCP connection to'
  if (name === 'EHOSTUNREACH' || name === 'ENETUNREACH') return 'there is no route to'
  return `${name} from`
}

async function handshake(
  { host, port, shown, setting }: Place & { readonly setting: string },
  signal: AbortSignal,
): Promise<AccessFinding> {
  const socket = connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
  try {
    await once(socket, 'secureConnect', { signal })
    const { subject, valid_to } = socket.getPeerCertificate()
    const until = new Date(valid_to).toISOString().slice(0, 10)
    const name = [subject?.CN].flat().join(', ')
    return {
      result: 'ok',
      detail: `${socket.getProtocol()}, certificate of ${name} until ${until}`,
    }
  } catch (error) {
    signal.throwIfAborted()
    return tlsFailure(error, { shown, host, setting })
  } finally {
    socket.destroy()
  }
}

function tlsFailure(
  error: unknown,
  { shown, host, setting }: { shown: string; host: string; setting: string },
): AccessFinding {
  const { code = '', cert } = error as { code?: string; cert?: PeerCertificate }
  const failed = (detail: string, change: string): AccessFinding => ({
    result: 'failed',
    detail,
    change,
  })
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname?.replaceAll('DNS:', '') ?? 'another name'
    return failed(
      `the certificate of ${shown} is for ${names}`,
      `Reach the server under a name of its certificate. A bucket name with dots fits no wildcard: \`force_path_style: true\` keeps it out of the host name.`,
    )
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return failed(
      `the certificate of ${shown} ended on ${cert?.valid_to ?? 'an earlier day'}`,
      'Its operator must renew it.',
    )
  }
  if (/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code)) {
    return failed(
      `the certificate of ${shown} is not from a known authority (${code})`,
      'Set NODE_EXTRA_CA_CERTS to a file with the certificate of the authority that signed it.',
    )
  }
  if (
    /WRONG_VERSION|PACKET_LENGTH|UNKNOWN_PROTOCOL|HTTP_REQUEST|UNEXPECTED_MESSAGE|EPROTO/.test(code)
  ) {
    return failed(
      `${shown} does not speak TLS (${code})`,
      `If the server is meant to be plain, write ${setting} with http://; else correct its port.`,
    )
  }
  return failed(
    `${shown} ended the TLS handshake (${code || String(error)})`,
    `Correct ${setting}, or ask who runs ${host} why it ends the handshake.`,
  )
}

/** The proxy that Node’s own agents would take for a URL, from the environment. */
export function proxyFor(url: URL, env: Variables): URL | undefined {
  const scheme = url.protocol.slice(0, -1)
  const value = env[`${scheme}_proxy`] || env[`${scheme.toUpperCase()}_PROXY`]
  if (!value || !URL.canParse(value)) return undefined
  const { hostname, port } = url
  const direct = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).some((entry) => {
    const [name = '', only_port] = entry.split(/:(\d+)$/)
    if (name === '' || (only_port !== undefined && only_port !== port)) return false
    const suffix = name.replace(/^\*?\.?/, '.')
    return name === '*' || hostname === name || `.${hostname}`.endsWith(suffix)
  })
  return direct ? undefined : new URL(value)
}
