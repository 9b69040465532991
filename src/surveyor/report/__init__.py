"""Reports: values (`model`), the file (`file`), building from test results (`build`), derived files (`outputs`)."""
