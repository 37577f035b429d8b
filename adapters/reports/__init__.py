"""What was reckoned for people: a change of policy as a page and as a workbook, an audit as a workbook."""

from adapters.reports.audit_sheet import SheetTable, audit_sheet
from adapters.reports.impact_page import impact_page
from adapters.reports.impact_sheet import impact_sheet

__all__ = ["SheetTable", "audit_sheet", "impact_page", "impact_sheet"]
