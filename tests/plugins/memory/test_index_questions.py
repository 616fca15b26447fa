"""Questions as people ask them: what is forbidden, why, when, who, with slips of the fingers, in other spellings and
languages. Facts and questions are made up; each question must find its fact among the first five, most of them first.
"""

from __future__ import annotations

from collections import Counter
from unicodedata import normalize

import pytest

from mimocode_plugins.memory.index.database import Document, Entry, Index
from mimocode_plugins.memory.index.guessing import distance
from mimocode_plugins.memory.index.ranking import search

NOW = 1_795_262_400.0
FACTS = """
deploy|Deployments go out with `make ship` from the release branch; nobody deploys on Fridays.
never_force|Never force-push to main; the mirror in Frankfurt breaks when history is rewritten.
do_force|Force-pushing to feature branches is fine before review.
cache_why|We dropped Redis because the cluster failover took eleven minutes; Postgres LISTEN/NOTIFY replaced it.
cache_how|The cache layer is src/cache/layer.py and keys are versioned with the schema hash.
gql|GraphQL was rejected in favour of REST: the mobile team could not cache queries.
who_auth|Marta Kowalska decided that sessions expire after 14 days of inactivity.
who_db|Jun Tanaka owns the billing database and approves each migration.
when_mig|The migration from MySQL to Postgres 15 was finished on 2026-03-14.
when_freeze|Code freeze for release 4.2 begins on 2 December.
ver_node|CI runs on Node 20.11.1; Node 22 breaks the native addon `bcrypt-lite`.
ver_py|The worker needs Python 3.11, since 3.12 removed distutils, which setup_legacy imports.
port|The dev server listens on port 5173, the mock API on 8787.
limit|Uploads above 25 MB are rejected by nginx with 413; the limit is client_max_body_size.
timeout|Requests to the payment gateway time out after 30 s and are retried 3 times with jitter.
err1|`TypeError: Cannot read properties of undefined (reading 'map')` in OrderList came from the empty cart response.
err2|error E0502: cannot borrow `self.pool` as mutable, fixed by cloning the Arc before the closure.
err3|psycopg2.errors.UndefinedTable: relation "invoice_line" does not exist: run `alembic upgrade head` first.
err4|ModuleNotFoundError: No module named 'yaml' in CI means the dev extras were not installed.
camel|getUserProfile caches for 60 seconds; call invalidateUserProfile after each write.
snake|compute_tax_rate rounds half to even, as the German tax office wants.
kebab|The feature flag is called `new-checkout-flow` and lives in flags.yaml.
path1|Integration tests are in tests/integration/payments and need the docker compose profile `pay`.
path2|packages/web/src/components/DataGrid/columns.tsx defines the columns of the order table.
de1|Die Datenbankverbindungen werden über den Verbindungspool in db/pool.go verteilt.
de2|Rechnungen werden nachts um zwei Uhr verschickt; der Versand läuft über den Mailserver in Köln.
de3|Keine Umlaute in Dateinamen: das Archivsystem der Straßenverwaltung verträgt sie nicht.
zh1|用户登录失败五次后锁定账户三十分钟。
zh2|不要在生产环境直接修改数据库,先提交变更申请。
zh3|订单服务使用雪花算法生成编号。
ja1|リリースは毎週木曜日に行う。担当は佐藤さん。
ja2|テストデータベースは毎晩リセットされる。
ja3|パスワードのハッシュにはｂｃｒｙｐｔを使う。
ko1|배포는 매주 화요일 오전에 진행합니다.
ko2|로그 파일은 서버의 /var/log/orders 에 저장된다.
ko3|결제 모듈은 김민수가 담당한다.
neg1|The admin panel must not be indexed by search engines; robots.txt forbids it.
neg2|Do not mock the clock in tests of the scheduler; use the fake timer of the harness.
neg3|We never log e-mail addresses; the logger masks them.
perf|The nightly export was slow because of N+1 queries; prefetch_related brought it from 40 minutes to 90 seconds.
mem|The worker leaked memory until the image thumbnails were closed explicitly.
style|Commit messages are in the imperative and name the ticket, like PAY-1234.
fmt|Formatting is done by ruff with a line length of 100.
pkg|Packages are installed with pnpm, since npm hoists the wrong React.
review|Two approvals are needed for anything under infra/.
secret|Secrets come from Vault through the sidecar; there are no .env files in production.
i18n|Translations live in locales/ and are pulled from Lokalise every Monday.
mobile|The Android build needs JDK 17; Gradle 8.5 fails with 21.
flaky|test_concurrent_checkout is flaky on ARM runners, a race in the stock reservation.
queue|Jobs go through RabbitMQ with a dead-letter queue named orders.dlq.
search|Full-text search uses Meilisearch; Elasticsearch was too expensive to run.
monitor|Alerts go to the #oncall channel through Grafana; PagerDuty was cancelled in 2025.
api|The public API is versioned in the path (/v2); v1 is switched off on 30 June 2027.
money|Amounts are stored as integer cents, never as floats.
tz|All times are stored in UTC and shown in the customer's time zone.
css|Styling uses Tailwind; styled-components was removed for bundle size.
state|The front end keeps server state in TanStack Query and nothing in Redux.
docker|Images are built with BuildKit and pushed to registry.example.com/shop.
seed|`make seed` fills the database with 200 customers and is safe to repeat.
bug|Orders were doubled when users clicked twice; an idempotency key in the header fixed it.
""".strip().splitlines()
QUESTIONS = """
negation: pushing to which branch is forbidden|never_force
negation: what must we not mock|neg2
negation: what should never be logged|neg3
negation: is anything not allowed to be crawled by google bots robots|neg1
negation: are floats okay for money|money
negation: no .env files where|secret
why: why did we drop redis|cache_why
why: why was graphql rejected|gql
why: why not npm|pkg
why: why pnpm instead of npm|pkg
why: why did we move away from elasticsearch|search
why: reason for removing styled-components|css
why: why was the export slow|perf
why: why were orders duplicated|bug
when: when does the code freeze start|when_freeze
when: when was the mysql migration completed|when_mig
when: when is v1 of the api turned off|api
when: how long until sessions expire|who_auth
when: what happened on 14 March 2026|when_mig
who: who decided about session expiry|who_auth
who: who approves database migrations|who_db
who: who owns billing|who_db
who: 결제 모듈 담당자|ko3
who: リリース 担当 誰|ja1
num: which port does the mock server use|port
num: 413 upload|limit
num: maximum upload size in megabytes|limit
num: Node 22|ver_node
num: python 3.12|ver_py
num: jdk version for android|mobile
num: how many retries for payments|timeout
num: line length|fmt
num: version of postgres|when_mig
typo: deploymnet command|deploy
typo: graphlq rejected|gql
typo: elasticsaerch|search
typo: formating rules|fmt
typo: rabitmq dead letter|queue
typo: idempotancy key|bug
typo: meilisaerch|search
typo: invalidateUserProfil|camel
de: Datenbankverbindung|de1
de: Verbindungspool|de1
de: Wann werden Rechnungen versendet|de2
de: Rechnungsversand|de2
de: Strassenverwaltung Dateinamen|de3
de: Umlaut im Dateinamen erlaubt|de3
de: Mailserver Koeln|de2
case: get_user_profile|camel
case: user profile cache invalidation|camel
case: computeTaxRate|snake
case: ComputeTaxRate rounding|snake
case: newCheckoutFlow|kebab
case: new_checkout_flow flag|kebab
case: data grid columns|path2
case: testConcurrentCheckout|flaky
path: integration/payments|path1
path: DataGrid/columns|path2
path: cache/layer.py|cache_how
path: var/log/orders|ko2
path: columns.tsx|path2
path: tests integration docker|path1
err: Cannot read properties of undefined map|err1
err: relation does not exist|err3
err: E0502|err2
err: no module named yaml|err4
err: UndefinedTable|err3
cjk: 登录失败|zh1
cjk: 锁定账户多久|zh1
cjk: 生产环境可以直接改数据库吗|zh2
cjk: 订单编号怎么生成|zh3
cjk: テストデータベース|ja2
cjk: パスワード ハッシュ|ja3
cjk: bcrypt パスワード|ja3
cjk: 毎週 リリース 曜日|ja1
cjk: 배포 요일|ko1
cjk: 로그 파일 위치|ko2
cjk: 로그파일|ko2
nfd: 배포는 언제|ko1
nfd: データベース|ja2
plural: migration approvals|who_db
plural: thumbnail leak|mem
plural: retry of gateway request|timeout
plural: translation pulled|i18n
para: how do we ship to production|deploy
para: where do alerts arrive|monitor
para: keeping personal data out of the logs|neg3
para: double click created two purchases|bug
""".strip().splitlines()
FIRST = 0.94
"""The share of questions whose fact must come first."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = Index(tmp_path_factory.mktemp("index") / "memory.db")
    entries = [Entry(*fact.split("|", 1), NOW - at * 86_400) for at, fact in enumerate(FACTS)]
    for at in range(0, len(entries), 6):
        index.put(Document(f"{at}.md", "projects", "p", "memory"), entries[at : at + 6])
    return index


def test_questions_find_their_facts(known: Index) -> None:
    first, missed = Counter[bool](), list[str]()
    for line in QUESTIONS:
        kind, rest = line.split(": ", 1)
        question, wanted = rest.split("|")
        found = [hit.key for hit in search(known, normalize("NFD", question) if kind == "nfd" else question, now=NOW)]
        first[found[:1] == [wanted]] += 1
        missed += [line] if wanted not in found[:5] else []
    assert missed == []
    assert first[True] >= FIRST * len(QUESTIONS)


def test_a_word_that_nobody_wrote_counts_less_than_those_that_somebody_did(known: Index) -> None:
    assert search(known, "meilisaerch graphql rejected", now=NOW)[0].key == "gql"
    assert search(known, "qqqqqqqqqq zzzzzzzzzzzz", now=NOW) == []


def test_an_entry_is_found_by_the_day_that_it_names(known: Index) -> None:
    assert search(known, "what was done on March 14th", now=NOW)[0].key == "when_mig"


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("search", "saerch", 1),
        ("", "ab", 2),
        ("deploy", "deploy", 0),
        ("graphlq", "graphql", 1),
        ("kitten", "sitting", 3),
    ],
)
def test_how_far_words_are_apart(one: str, other: str, apart: int) -> None:
    assert distance(one, other) == distance(other, one) == apart
