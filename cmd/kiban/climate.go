package main

import "github.com/urfave/cli/v2"

func climateGroup() *cli.Command {
	return &cli.Command{
		Name:  "climate",
		Usage: "climate data and models",
		Subcommands: []*cli.Command{
			verb("inspect", "say what NetCDF files hold", "FILE…", nil, runClimateInspect,
				"kiban climate inspect tas_Amon_CanESM5_historical.nc",
				"kiban climate inspect cmip6/ --json"),
			verb("names", "list the names of variables in CMIP6, ERA5 and the models", "[NAME…]", nil, runClimateNames,
				"kiban climate names",
				"kiban climate names zg tas --json"),
			verb("regions", "list the regions that have names", "[REGION…]", nil, runClimateRegions,
				"kiban climate regions",
				"kiban climate regions climax:NorthAmerica"),
			verb("example", "write scenarios to try projections on", "", nil, runClimateExample,
				"kiban climate example -o scenarios",
				"kiban climate example -o scenarios --overwrite"),
			verb("prepare", "turn NetCDF files into training data", "FILES|FOLDERS…", climatePrepareFlags(), runClimatePrepare,
				"kiban climate prepare CMIP6/ -o data --vars tas,zg@500 --grid 5.625 --val 2001/2005 --test 2006/2014",
				"kiban climate prepare winds.nc -o data --region climax:NorthAmerica --test 1991/1992 --dry-run"),
			verb("pretrain", "train a new forecaster on prepared data", "DATA…", climatePretrainFlags(), runClimatePretrain,
				"kiban climate pretrain data -o run --preset tiny",
				"kiban climate pretrain mpi taiesm awi -o run --preset climax --lead 6h..168h --dry-run"),
			verb("finetune", "train a forecaster further: a region, other variables, another grid", "DATA…", climateFinetuneFlags(), runClimateFinetune,
				"kiban climate finetune data -m run -o fine --region climax:NorthAmerica",
				"kiban climate finetune era5 -m 5.625deg.ckpt -o z500 --lead 72h --preset climax --freeze body"),
			verb("forecast", "forecast from prepared data or NetCDF files, into NetCDF", "DATA|FILES…", climateForecastFlags(), runClimateForecast,
				"kiban climate forecast data -m run --time 1991/1992 --lead 1mo,3mo,6mo -o forecast.nc",
				"kiban climate forecast era5.nc -m run1 -m run2 --lead 72h -o ensemble.nc"),
			verb("evaluate", "score forecasts beside persistence and the climatology", "FORECAST.nc…|DATA", climateEvaluateFlags(), runClimateEvaluate,
				"kiban climate evaluate forecast.nc --truth data -o skill",
				"kiban climate evaluate data -m run --lead 1mo,3mo --regions wb2:tropics,wb2:europe --json"),
			verb("plot", "draw a map of a file, a forecast beside the truth, scores, or a training run", "FILE.nc|DATA|skill.csv|RUN", climatePlotFlags(), runClimatePlot,
				"kiban climate plot tas.nc --time 2000-07 --region climax:Europe -o tas.png",
				"kiban climate plot forecast.nc --var UWND --lead 3mo --truth data -o forecast.svg"),
		},
	}
}
