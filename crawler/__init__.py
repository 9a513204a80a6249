"""The public names of crawld, an async-first web crawler with CPU offload. Each is imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .runtime.lazy_imports import lazy_getattr

if TYPE_CHECKING:
    from .api import Crawl, crawl, crawl_sync, open_crawl, stream
    from .api.engines import Engine, open_engine
    from .api.forecasting import Forecast, OtherSetting, Refused, SiteForecast, forecast_crawl
    from .api.nodes import claim_node, join_engine
    from .api.one_page import FetchedPage, fetch_page
    from .api.rendered import RenderedComparison, compare_rendered
    from .api.replaying import ReplayPlan, find_crawl_folder, plan_replay, replay
    from .api.site_map import SiteMap, map_site
    from .api.trying import Trial, try_page
    from .archives import ArchiveFetcher
    from .assembly.contents import make_content
    from .assembly.shared import Shared, open_shared
    from .audit import FINDINGS, AuditLimits, Check, Finding, FindingPage, Problem, Severity, load_check
    from .comparison import Comparison, Difference, open_comparison, write_page
    from .dry_run import Rehearsal, rehearse
    from .errors import (
        ArchiveError,
        ClosedError,
        ConfigError,
        CrawlError,
        FetchError,
        FolderError,
        FrontierError,
        HookError,
        OffloadError,
        ParseError,
        RequestError,
        SeedError,
        SinkError,
        StorageFull,
        UrlError,
        VisitError,
    )
    from .explanation import Explanation, explain
    from .export import export_folder
    from .feed import CHANGE_KINDS, PageChange, follow_changes
    from .fetch import Cookie, CookieJar
    from .folder.folder import Folder, read_folder
    from .folder.lost_records import LostRecords
    from .folder.naming import default_folder_name
    from .folder.repair import RepairReport, repair_folder
    from .folder.reporting import read_report
    from .forecast import CrawlSize, Eta, Interval
    from .frontier import Known, Look, look
    from .frontier.backend import Fenced
    from .gate import (
        CheckVerdict,
        Gate,
        Judged,
        Others,
        check_folder,
        check_site,
        read_baseline,
        write_baseline,
        write_junit,
        write_sarif,
    )
    from .identity import Identity, make_contact_page, make_identity, make_key_directory, read_identity
    from .lookback import (
        Clusters,
        Gain,
        Inspection,
        Slowness,
        Story,
        Stretch,
        explain_slowness,
        find_clusters,
        inspect_folder,
        tell_story,
    )
    from .metrics.bounds import Bound
    from .metrics.field_counts import FieldCount
    from .metrics.metrics import Ending, Snapshot, Summary
    from .metrics.troubles import Blocked, Failures, Hindrance
    from .model import (
        Capture,
        CrawlInfo,
        Disposition,
        Heads,
        Lease,
        LeftOut,
        Outcome,
        Page,
        Position,
        Reason,
        Request,
        Response,
        Retry,
        Skip,
        Timings,
        Url,
    )
    from .offload import count_cores
    from .pack import PackCheck, pack_folder, verify_pack
    from .parse import Content, Label, Link, Parsed
    from .parse.outline import Outline
    from .parse.selectors import check_selectors
    from .policy.scope import Ruling, check_patterns
    from .policy.wider import FAILURES
    from .protocols import (
        Archive,
        Fetcher,
        Frontier,
        Mender,
        Observer,
        Offloader,
        Output,
        PerCrawl,
        Reader,
        Robots,
        Rules,
        Sink,
    )
    from .proving import Breach, Fault, Proof, SiteVerdict, prove_folder, prove_folders, write_letter
    from .query import Answer, export_query, query_folder
    from .reach.second_looks import Reconsidered
    from .reports import Report
    from .runtime.escaping import escape_text
    from .runtime.ownership import Trust
    from .search import SearchAnswer, SearchHit, index_folder, search_folder
    from .seeds import BadSeed, SkippedSeeds
    from .settings import Config, Settings, SinkConfig
    from .settings.keywords import SinkSettings, SiteSettings
    from .settings.loading import Change, Changes
    from .settings.memory_plan import plan_memory
    from .sinks import ReaderGone, Wants
    from .sinks.record import record
    from .site_report import audit_folder, write_site_report
    from .standing import Counts, CrawlStanding, Trap, WorkCost

_HOMES = {
    "api": "Crawl crawl crawl_sync open_crawl stream",
    "api.engines": "Engine open_engine",
    "api.nodes": "claim_node join_engine",
    "api.forecasting": "Forecast OtherSetting Refused SiteForecast forecast_crawl",
    "api.one_page": "FetchedPage fetch_page",
    "api.site_map": "SiteMap map_site",
    "api.rendered": "RenderedComparison compare_rendered",
    "api.replaying": "ReplayPlan find_crawl_folder plan_replay replay",
    "api.trying": "Trial try_page",
    "archives": "ArchiveFetcher",
    "audit": "FINDINGS AuditLimits Check Finding FindingPage Problem Severity load_check",
    "settings.loading": "Change Changes",
    "settings.keywords": "SinkSettings SiteSettings",
    "errors": "ArchiveError ClosedError ConfigError CrawlError FetchError FolderError FrontierError HookError "
    "OffloadError ParseError RequestError SeedError SinkError StorageFull UrlError VisitError",
    "explanation": "Explanation explain",
    "export": "export_folder",
    "forecast": "CrawlSize Eta Interval",
    "lookback": "Clusters Gain Inspection Slowness Story Stretch explain_slowness find_clusters inspect_folder "
    "tell_story",
    "identity": "Identity make_contact_page make_identity make_key_directory read_identity",
    "pack": "PackCheck pack_folder verify_pack",
    "gate": "CheckVerdict Gate Judged Others check_folder check_site read_baseline write_baseline write_junit "
    "write_sarif",
    "metrics.bounds": "Bound",
    "metrics.field_counts": "FieldCount",
    "metrics.metrics": "Ending Snapshot Summary",
    "metrics.troubles": "Blocked Failures Hindrance",
    "model": "Capture CrawlInfo Disposition Heads Lease LeftOut Outcome Page Position Reason Request Response Retry "
    "Skip Timings Url",
    "parse": "Content Label Link Parsed",
    "parse.outline": "Outline",
    "parse.selectors": "check_selectors",
    "proving": "Breach Fault Proof SiteVerdict prove_folder prove_folders write_letter",
    "protocols": "Archive Fetcher Frontier Mender Observer Offloader Output PerCrawl Reader Robots Rules Sink",
    "comparison": "Comparison Difference open_comparison write_page",
    "dry_run": "Rehearsal rehearse",
    "search": "SearchAnswer SearchHit index_folder search_folder",
    "seeds": "BadSeed SkippedSeeds",
    "settings": "Config Settings SinkConfig",
    "settings.memory_plan": "plan_memory",
    "assembly.contents": "make_content",
    "assembly.shared": "Shared open_shared",
    "reach.second_looks": "Reconsidered",
    "folder.folder": "Folder read_folder",
    "folder.naming": "default_folder_name",
    "folder.lost_records": "LostRecords",
    "folder.repair": "RepairReport repair_folder",
    "folder.reporting": "read_report",
    "reports": "Report",
    "feed": "CHANGE_KINDS PageChange follow_changes",
    "fetch": "Cookie CookieJar",
    "frontier": "Known Look look",
    "frontier.backend": "Fenced",
    "offload": "count_cores",
    "query": "Answer export_query query_folder",
    "policy.scope": "Ruling check_patterns",
    "policy.wider": "FAILURES",
    "runtime.escaping": "escape_text",
    "sinks": "ReaderGone Wants",
    "sinks.record": "record",
    "site_report": "audit_folder write_site_report",
    "standing": "Counts CrawlStanding Trap WorkCost",
    "runtime.ownership": "Trust",
}

__all__ = [
    "CHANGE_KINDS", "FAILURES", "FINDINGS", "Answer", "Archive", "ArchiveError", "ArchiveFetcher", "AuditLimits",
    "BadSeed", "Blocked", "Bound", "Breach", "Capture", "Change", "Changes", "Check", "CheckVerdict", "ClosedError",
    "Clusters", "Comparison", "Config", "ConfigError", "Content", "Cookie", "CookieJar", "Counts", "Crawl",
    "CrawlError", "CrawlInfo", "CrawlSize", "CrawlStanding", "Difference", "Disposition", "Ending", "Engine", "Eta",
    "Explanation", "Failures", "Fault", "Fenced", "FetchError", "FetchedPage", "Fetcher", "FieldCount", "Finding",
    "FindingPage", "Folder", "FolderError", "Forecast", "Frontier", "FrontierError", "Gain", "Gate", "Heads",
    "Hindrance", "HookError", "Identity", "Inspection", "Interval", "Judged", "Known", "Label", "Lease", "LeftOut",
    "Link", "Look", "LostRecords", "Mender", "Observer", "OffloadError", "Offloader", "OtherSetting", "Others",
    "Outcome", "Outline", "Output", "PackCheck", "Page", "PageChange", "ParseError", "Parsed", "PerCrawl", "Position",
    "Problem", "Proof", "Reader", "ReaderGone", "Reason", "Reconsidered", "Refused", "Rehearsal", "RenderedComparison",
    "RepairReport", "ReplayPlan", "Report", "Request", "RequestError", "Response", "Retry", "Robots", "Rules", "Ruling",
    "SearchAnswer", "SearchHit", "SeedError", "Settings", "Severity", "Shared", "Sink", "SinkConfig", "SinkError",
    "SinkSettings", "SiteForecast", "SiteMap", "SiteSettings", "SiteVerdict", "Skip", "SkippedSeeds", "Slowness",
    "Snapshot", "StorageFull", "Story", "Stretch", "Summary", "Timings", "Trap", "Trial", "Trust", "Url", "UrlError",
    "VisitError", "Wants", "WorkCost", "audit_folder", "check_folder", "check_patterns", "check_selectors",
    "check_site", "claim_node", "compare_rendered", "count_cores", "crawl", "crawl_sync", "default_folder_name",
    "escape_text", "explain", "explain_slowness", "export_folder", "export_query", "fetch_page", "find_clusters",
    "find_crawl_folder", "follow_changes", "forecast_crawl", "index_folder", "inspect_folder", "join_engine",
    "load_check", "look", "make_contact_page", "make_content", "make_identity", "make_key_directory", "map_site",
    "open_comparison", "open_crawl", "open_engine", "open_shared", "pack_folder", "plan_memory", "plan_replay",
    "prove_folder", "prove_folders", "query_folder", "read_baseline", "read_folder", "read_identity", "read_report",
    "record", "rehearse", "repair_folder", "replay", "search_folder", "stream", "tell_story", "try_page", "verify_pack",
    "write_baseline", "write_junit", "write_letter", "write_page", "write_sarif", "write_site_report",
]  # fmt: skip


# Imports on first use: workers need few of these names, and `crawl --help` none.
if not TYPE_CHECKING:  # to type checkers every name would exist
    __getattr__ = lazy_getattr(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
