import { type ChildProcess, spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { askAll } from '../../test/checks.ts'
import { closedPort, httpLoopback, silentLoopback } from '../../test/loopback.ts'
import { proxyFor } from './access-connect.ts'

const s3 = (endpoint: string) => ({
  type: 's3',
  bucket: 'some-bucket',
  endpoint,
  force_path_style: true,
  auth: { type: 'access_key', access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'secret' },
})

describe('connect', () => {
  it('names a port on which nothing listens, and asks no further', async () => {
    const port = await closedPort()
    const asked = await askAll(s3(`http://127.0.0.1:${port}`))
    expect(asked.of('connect').detail).toBe(`nothing listens on 127.0.0.1:${port}`)
    expect(asked.of('connect').change).toContain('`endpoint`')
    expect(asked.results).toBe(
      'bucket_name:ok connect:failed tls:skipped authentication:skipped region:skipped bucket:skipped list:skipped get:skipped get_version:skipped decrypt:skipped',
    )
    expect(asked.of('decrypt').detail).toBe('not asked, as connect failed')
  })

  it('names a host that DNS does not know', async () => {
    const { detail } = (await askAll(s3('https://nowhere.invalid'))).of('connect')
    expect(detail).toMatch(/^DNS (knows no host|gave no answer about) nowhere\.invalid/)
  })

  it('gives up on a port that takes no connection', async () => {
    await using full = await fullQueue()
    const since = performance.now()
    const asked = await askAll(s3(`http://127.0.0.1:${full.port}`), { deadline_ms: 700 })
    expect(asked.of('connect')).toMatchObject({
      result: 'failed',
      detail: `no TCP connection to 127.0.0.1:${full.port} within 0.7 s`,
    })
    expect(performance.now() - since).toBeLessThan(5_000)
  })

  it('gives up on a server that takes connections and never answers', async () => {
    await using silent = await silentLoopback()
    const asked = await askAll(s3(silent.url), { deadline_ms: 500 })
    expect(asked.of('connect').result).toBe('ok')
    expect(asked.of('authentication')).toMatchObject({
      result: 'failed',
      detail: `no answer from 127.0.0.1:${silent.port} to a signed request within 0.5 s`,
    })
    expect(asked.of('list').detail).toBe('not asked, as authentication failed')
  })
})

describe('tls', () => {
  it('gives up on a server that never answers the handshake', async () => {
    await using silent = await silentLoopback()
    const url = `https://127.0.0.1:${silent.port}`
    const { detail } = (await askAll(s3(url), { deadline_ms: 500 })).of('tls')
    expect(detail).toBe(`no TLS handshake with 127.0.0.1:${silent.port} within 0.5 s`)
  })

  it('says that a plain port speaks no TLS', async () => {
    await using plain = await httpLoopback(() => ({ status: 200 }))
    const check = (await askAll(s3(`https://127.0.0.1:${plain.port}`))).of('tls')
    expect(check.result).toBe('failed')
    expect(check.detail).toContain(`127.0.0.1:${plain.port} does not speak TLS`)
    expect(check.change).toContain('http://')
  })

  it('has nothing to ask of a plain endpoint', async () => {
    await using plain = await httpLoopback(() => ({ status: 200 }))
    expect((await askAll(s3(plain.url))).of('tls').result).toBe('skipped')
  })
})

it.each([404, 403, 200, 302, 501])(
  'says that a web server that answers %i is no S3 server',
  async (status) => {
    const body = '<html><body><h1>Hello</h1></body></html>'
    await using web = await httpLoopback(() => ({ status, body, headers: { location: '/login' } }))
    const asked = await askAll(s3(web.url))
    expect(asked.results).toContain('authentication:failed region:skipped')
    expect(asked.of('authentication').detail).toContain(`127.0.0.1:${web.port} does not answer as`)
    expect(asked.of('authentication').change).toContain('`endpoint`')
  },
)

describe('proxyFor', () => {
  const proxy = 'http://proxy.example:3128'
  it.each([
    ['https://s3.amazonaws.com', { HTTPS_PROXY: proxy }, 'proxy.example:3128'],
    ['https://s3.amazonaws.com', { https_proxy: proxy, HTTPS_PROXY: '' }, 'proxy.example:3128'],
    ['https://s3.amazonaws.com', { HTTP_PROXY: proxy }, undefined],
    ['http://127.0.0.1:9000', { HTTP_PROXY: proxy, NO_PROXY: '127.0.0.1' }, undefined],
    ['https://a.corp.example', { HTTPS_PROXY: proxy, NO_PROXY: 'x, .corp.example' }, undefined],
    ['https://a.corp.example', { HTTPS_PROXY: proxy, NO_PROXY: '*.corp.example' }, undefined],
    ['https://a.corp.example', { HTTPS_PROXY: proxy, no_proxy: 'corp.example' }, undefined],
    [
      'https://acorp.example',
      { HTTPS_PROXY: proxy, NO_PROXY: 'corp.example' },
      'proxy.example:3128',
    ],
    ['https://a:8443', { HTTPS_PROXY: proxy, NO_PROXY: 'a:9000' }, 'proxy.example:3128'],
    ['https://a:8443', { HTTPS_PROXY: proxy, NO_PROXY: '*' }, undefined],
    ['https://a', {}, undefined],
  ])('%s with %j', (url, env, host) => {
    expect(proxyFor(new URL(url), env)?.host).toBe(host)
  })
})

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A port whose queue of connections is full: a stopped process takes none, and the kernel answers no more. */
async function fullQueue(): Promise<AsyncDisposable & { readonly port: number }> {
  const code = `const s = require('node:net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const port = Number(await new Promise((resolve) => child.stdout?.once('data', resolve)))
  child.kill('SIGSTOP')
  const fillers: Socket[] = []
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    fillers.push(socket)
    const taken = await Promise.race([
      new Promise((resolve) => socket.once('connect', () => resolve(true))),
      new Promise((resolve) => setTimeout(resolve, 300, false)),
    ])
    if (taken === false) break
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of fillers) socket.destroy()
    },
  }
}
