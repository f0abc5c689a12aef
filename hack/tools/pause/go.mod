module holdfast/hack/tools/pause

go 1.24.0
