"""One intake form, from submission to the front desk."""
