"""What a change of policy would do to the cases in the ledger, for people: as a page and as a workbook."""

from adapters.reports.impact_page import impact_page
from adapters.reports.impact_sheet import impact_sheet

__all__ = ["impact_page", "impact_sheet"]
